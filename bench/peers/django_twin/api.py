"""List, show and change the caller's bots."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework import serializers, viewsets

from bench.peers.django_twin.models import TelegramData


class TelegramDataSerializer(serializers.ModelSerializer):
    """A bot as it is shown."""

    class Meta:
        """All fields."""

        model = TelegramData
        fields = ("id", "token", "title", "active", "created_at", "updated_at")


class TelegramDataViewSet(viewsets.ModelViewSet):
    """The caller's bots; `active` is written and starts nothing."""

    serializer_class = TelegramDataSerializer
    queryset = TelegramData.objects.none()  # for the generated documentation

    def get_queryset(self) -> QuerySet[TelegramData]:
        """Bots of other users do not exist for the caller."""
        return TelegramData.objects.filter(user=self.request.user)

    def perform_create(self, serializer: serializers.BaseSerializer) -> None:
        """A new bot belongs to the caller."""
        serializer.save(user=self.request.user)
