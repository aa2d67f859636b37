"""The dossier: what shows that systems and products are trustworthy, in one sealed folder or file.

Life of a dossier: 1 `material` gathers all that goes in, as data; 2 `contents` makes the files of it; 3
`manifest` lists every one with its hash; 4 `sealing` seals the paper and the manifest; 5 `packing` writes.
`verify` needs the dossier alone: no database, no network, no configuration.
"""
