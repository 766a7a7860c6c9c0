"""Components of a datalayer."""

class Components:
    pass
