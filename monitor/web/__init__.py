"""The review site: what it shows is worked out in pure modules, and written by templates."""
