"""How fast, how small, how far: each module measures one thing; README.md says what, and holds the last figures.

Rules: machines are shared and noisy, so a figure is a ratio measured in one run, a count, or a time on a virtual clock. Each benchmark
prints its figures at N, 2N and 4N beside their targets, or with --json one line of JSON.
"""
