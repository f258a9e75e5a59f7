"""What the window works with; built by `app.ui.app`, closed by it."""

from dataclasses import dataclass

from app.settings.store import SettingsStore
from app.ui.bridge import Background, EngineBridge
from app.ui.camera_view import CameraFeed
from app.ui.desk import Desk
from app.ui.i18n import Language
from app.ui.model_choice import Library
from app.ui.session import Session


@dataclass(frozen=True)
class Services:
    """None of them knows a widget."""

    bridge: EngineBridge
    background: Background
    session: Session
    desk: Desk
    camera: CameraFeed
    library: Library
    store: SettingsStore
    language: Language
