"""The API describes itself."""

from app.config import Config
from app.web import create_app
from tests.integration.lifecycle.world import World


def test_the_description_lists_every_path_of_the_api(world: World) -> None:
    app = create_app(world.services, Config.from_environ(world.settings), world.clusters)
    served = {
        rule.rule.replace("<int:", "{").replace("<", "{").replace(">", "}")
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
    }

    answer = app.test_client().get("/api/openapi.json")

    assert answer.get_json()["openapi"].startswith("3.1")
    assert set(answer.get_json()["paths"]) == served
    assert served
