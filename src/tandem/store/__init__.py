"""What Tandem writes down: archive, journal, schedule, vault. One module per aggregate; every class takes a database alias.

Rules: no transaction is held while the network is used; bulk rows go through bulk statements; contact content stands in
binary columns as JSON (see contents.py) and never in an error or a log.
"""
