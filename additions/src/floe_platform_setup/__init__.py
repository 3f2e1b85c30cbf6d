"""What has to be done once so that products can run: buckets, the catalog, a product's build.

`python -m floe_platform_setup buckets | catalog | product FOLDER`
"""
