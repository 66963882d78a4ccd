"""Bots of users."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class TelegramData(models.Model):
    """A bot."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="bots")
    token = models.CharField(max_length=100, unique=True)
    title = models.CharField(max_length=100, blank=True, default="")
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """Oldest first."""

        ordering = ("id",)
