"""Translates the errors about uploaded files into those of the API."""

from __future__ import annotations

from handlers import errors
from handlers.errors import ApiError, Code
from models import errors as storage
from models.messaging.media import MB
from services import errors as services


def translate_media(error: BaseException) -> ApiError | None:
    """Translate an error about uploaded files; None for any other."""
    match error:
        case services.EmptyFile():
            return errors.invalid({"file": ["The file is empty. Choose another one."]})
        case services.FileTooLarge():
            return errors.BodyTooLarge(
                f"The file is larger than {error.limit // MB} MB. A photo may have 10 MB, any "
                "other file 20 MB."
            )
        case services.MediaNotFound():
            return errors.NotFound(f"Bot {error.bot_id} has no file {error.media_id}.")
        case services.MediaInUse():
            return errors.Conflict(
                f"The scenario that the bot runs sends file {error.media_id}. Publish one without "
                "it first.",
                code=Code.FILE_IN_USE,
            )
        case services.UploadsUnusable():
            return errors.Unprocessable(
                "The message has uploaded files that cannot be sent with it.",
                code=Code.UPLOAD_UNUSABLE,
                errors={place: [problem] for place, problem in error.problems.items()},
            )
        case storage.MediaGone():
            return errors.NotFound("The bot was deleted while the file was uploaded.")
        case storage.MediaQuotaReached():
            return _quota_reached(error)
        case storage.MediaStorageFull():
            return errors.InsufficientStorage(
                "This server has no room for more files. Ask the operator, who can raise "
                "BOTYARD_MEDIA_TOTAL.",
                code=Code.MEDIA_STORAGE_FULL,
            )
    return None


def _quota_reached(error: storage.MediaQuotaReached) -> ApiError:
    most = f"{error.limit:,} files" if error.files else f"files of {error.limit // MB} MB together"
    whose = "A bot" if error.whose == "bot" else "An account"
    return errors.Forbidden(
        f"{whose} may have {most}, and this one would be too much. Delete files first.",
        code=Code.MEDIA_QUOTA_REACHED,
    )
