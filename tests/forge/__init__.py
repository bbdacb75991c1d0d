"""A forge for tests: real git over HTTP in front of bare repositories, and as much of three APIs as their clients need.

What it answers follows from what git says (does the branch exist, is there a difference), never from what it was told.
"""
