"""What the tests of results share: an s3:// address, and the folder of a study that has ended."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow import fs

from study.plan.making import make_plan
from study.plan.request import Request
from study.protocol.description import describe_study
from tests.analysis.simulated import write_study


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An S3 server with the bucket `studies`; the address of the server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    patch.setenv("AWS_ACCESS_KEY_ID", "key")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    fs.S3FileSystem(allow_bucket_creation=True, endpoint_override=f"http://{host}:{port}").create_dir(
        "studies"
    )
    yield f"{host}:{port}"
    patch.undo()
    server.stop()


@pytest.fixture
def address(server: str, request: pytest.FixtureRequest) -> str:
    """An address of the test's own."""
    return f"s3://studies/{request.node.name}"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study's folder as a study leaves it: simulated rows, and the description of a real plan."""
    root = write_study(tmp_path_factory.mktemp("whole") / "study", questions=12, seeds=(1, 2))
    simulated = json.loads((root / "study.json").read_text(encoding="utf-8"))
    plan = make_plan(
        Request("lora_vs_qlora", replicates=1, confirm_seeds=2, trials=1, settings={"variant": "main"})
    )
    described = describe_study("study", plan, 1, 1, None)
    kept = {name: simulated[name] for name in ("arms", "compared", "finished_at")}
    planned = {arm["label"]: arm for arm in described["arms"]}
    arms = [{**next(iter(planned.values())), **arm} for arm in kept["arms"]]
    text = json.dumps({**described, **kept, "arms": arms})
    (root / "study.json").write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def study(whole: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(whole, tmp_path / "study")
