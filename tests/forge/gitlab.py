"""GitLab's REST API, as far as merge requests need it."""


def handle(*a):
    raise NotImplementedError
