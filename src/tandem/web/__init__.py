"""The pages: what a person without a terminal sees and does. Views read through `app`, and write settings, answers and wishes only.

Rules: every page works without JavaScript; a user sees what belongs to him or her, everything else is not there (404); no page writes to a
service but by what the next cycle does, except for the making of a link (fields are looked for, a label may be made).
"""
