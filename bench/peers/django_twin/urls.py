"""Botyard's paths."""

from __future__ import annotations

from django.urls import include, path
from drf_yasg import openapi
from drf_yasg.views import get_schema_view
from rest_framework import permissions, routers

from bench.peers.django_twin.api import TelegramDataViewSet

router = routers.DefaultRouter()
router.register("telegram_data", TelegramDataViewSet)
documentation = get_schema_view(
    openapi.Info(title="Bots", default_version="v1"),
    public=True,
    permission_classes=[permissions.AllowAny],
)

urlpatterns = [
    path("api/v1/", include(router.urls)),
    path("rest-auth/", include("dj_rest_auth.urls")),
    path("swagger/", documentation.with_ui("swagger")),
]
