from django.contrib.auth.models import AbstractUser
from django.db import models
from django_scim.models import AbstractSCIMGroupMixin, AbstractSCIMUserMixin


class Team(AbstractSCIMGroupMixin):
    name = models.CharField(max_length=100, blank=True)

    @property
    def user_set(self):
        return self.person_set


class Person(AbstractSCIMUserMixin, AbstractUser):
    scim_groups = models.ManyToManyField(Team, through="Membership")


class Membership(models.Model):
    user = models.ForeignKey(Person, on_delete=models.CASCADE)
    group = models.ForeignKey(Team, on_delete=models.CASCADE)
