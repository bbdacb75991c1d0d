"""Gitea's."""


def handle(*a):
    raise NotImplementedError
