"""The people of the server, kept as the documentation of django-scim2 has it."""


def person():
    from .models import Person

    return Person
