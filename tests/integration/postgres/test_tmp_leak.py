from pathlib import Path
from app.postgres.embedded import EmbeddedServer
def test_x(tmp_path: Path) -> None:
    EmbeddedServer(tmp_path / "a" / "server", settings={"fsync": "off"}).start()
