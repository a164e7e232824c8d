"""Everything seen: figures that say in words what they show (`figure`), the map of a network (`map`), and what a
connected lab adds to a notebook (`notebook`).

Import from these modules: matplotlib takes a while to load, and `notebook` needs none of it.
"""
