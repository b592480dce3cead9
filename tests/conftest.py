import pytest
from hypothesis import settings

settings.register_profile("tests", deadline=None, database=None)  # a busy machine is not a failure
settings.load_profile("tests")


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch):
    for variable in ("TRACE_SCENARIO_LOGDIR", "TF_USE_LEGACY_KERAS", "KERAS_BACKEND"):
        monkeypatch.delenv(variable, raising=False)
