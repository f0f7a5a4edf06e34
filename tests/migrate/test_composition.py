"""Jobs that Hydra composes from a migrated agent, with overrides: what works, and what is said where it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.errors import ConfigCompositionException, MissingConfigException
from omegaconf.errors import InterpolationKeyError, MissingMandatoryValue

import legacy
import migrate
import modules
from migrate.config import main
from migrate.errors import UnusableFileError, UsageError
from migrate.shadow import ShadowAgent
from modules.errors import ConfigError, GraphError, MettaError
from tests.migrate import _policies as policies

STACKS = {"legacy": legacy.MettaAgent, "modules": modules.MettaAgent, "shadow": ShadowAgent}
RELU = "modules.layers.relu.ReLUModule"
JOB = """\
defaults: [{agent: small}, _self_]
trainer: {clip: 1, size: 9}
agent: {numerics: exact, clip_range: "${trainer.clip}", track: "${no.such_key}"}
"""


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a job, and a group `agent` with an old agent and the same one migrated."""
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "agent").mkdir()
    (folder / "job.yaml").write_text(JOB)
    (folder / "agent" / "old.yaml").write_text(yaml.safe_dump(policies.CONFIG, sort_keys=False))
    assert main([str(folder / "agent" / "old.yaml"), "-o", str(folder / "agent" / "small.yaml")]) == 0
    return folder


def composed(jobs: Path, *overrides: str) -> Any:
    with initialize_config_dir(str(jobs), version_base="1.3"):
        return compose("job", overrides=list(overrides))


def build(jobs: Path, *overrides: str) -> Any:
    return migrate.build_agent(composed(jobs, *overrides), policies.ENVIRONMENT)


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("agent", ["small", "old"])
def test_a_job_chooses_agent_and_stack(jobs: Path, agent: str, stack: str) -> None:
    assert isinstance(build(jobs, f"agent={agent}", f"++agent.stack={stack}"), STACKS[stack])


def test_values_are_overridden(jobs: Path) -> None:
    agent = build(jobs, "agent.components.fc.out_features=${trainer.size}", "agent.numerics=fast", "trainer.clip=0.5")
    assert agent.components["fc"].weight.shape == (9, 36)
    assert (agent.clip_range, agent.config["numerics"]) == (0.5, "fast")


@pytest.mark.parametrize("stack", ["legacy", "modules"])
def test_a_component_is_added_and_one_deleted(jobs: Path, stack: str) -> None:
    agent = build(
        jobs,
        f"agent.stack={stack}",
        f"+agent.components.extra={{_target_: {RELU}, sources: [fc]}}",
        "agent.components._core_.sources=[extra]",
        "~agent.components.core_relu",
        "agent.components.actor_1.sources=[_core_]",
        "agent.components.critic_1.sources=[_core_]",
    )
    assert "extra" in agent.components
    assert "core_relu" not in agent.components


def test_the_new_agent_takes_the_composed_config_itself(jobs: Path) -> None:
    cfg = composed(jobs, "agent.track=null")
    assert isinstance(modules.MettaAgent(cfg.agent, policies.ENVIRONMENT), modules.MettaAgent)
    cfg = composed(jobs, "agent.track=null", "agent.clip_range=${trainer.klip}")
    with pytest.raises(InterpolationKeyError, match=r"'trainer\.klip' not found\n\s*full_key: agent\.clip_range"):
        modules.MettaAgent(cfg.agent, policies.ENVIRONMENT)
    cfg = composed(jobs, "agent.track=null", "agent.components.fc.out_features=???")
    with pytest.raises(MissingMandatoryValue, match=r"value: agent\.components\.fc\.out_features"):
        modules.MettaAgent(cfg.agent, policies.ENVIRONMENT)


READ_BY = r"which is none of: _action_embeds_, .*; add it, or give actor_1 and critic_1 another source"
FC = r"component 'fc' \(modules\.layers\.linear\.LinearModule\)"
WRONG: list[tuple[tuple[str, ...], type[MettaError], str]] = [
    (("+agent.components.fc.out_feature=7",), ConfigError, f"{FC}: unknown key.s. out_feature; known are: .*out_feat"),
    (("+agent.components.fc.in_features=7",), ConfigError, f"{FC}: in_features is 7 .* give 36; remove it"),
    (("agent.components.fc.out_features=0",), ConfigError, f"{FC}: out_features must be a positive integer, got 0"),
    (("agent.components.fc.out_features=wide",), ConfigError, "out_features must be a positive integer, got 'wide'"),
    (("~agent.components.core_relu",), GraphError, f"'actor_1' has the source 'core_relu', {READ_BY}"),
    (("~agent.components._value_",), GraphError, "no head reaches: critic_1, since there is no '_value_'; remove"),
    ((f"+agent.components.extra={{_target_: {RELU}, sources: [fc]}}",), GraphError, "no head reaches: extra; remove"),
    (("agent.components.fc.sources=[core_relu]",), GraphError, "cycle: core_relu -> fc -> _core_ -> core_relu"),
    (("+agent.components.extra=fc",), UnusableFileError, "component 'extra': is 'fc', expected a mapping"),
    (
        (f"agent.components.fc._target_={RELU}s",),
        ConfigError,
        f"no such component class: {RELU}s; one of your own must",
    ),
    (("agent.numerics=quick",), ConfigError, "numerics must be exact or fast, got 'quick'"),
    (("agent.stack=old",), UsageError, "config: stack must be legacy, modules or shadow, got 'old'"),
    (
        ("agent.clip_range=${trainer.klip}",),
        UsageError,
        r"config: clip_range is '\$\{trainer\.klip\}', which is not resolved\n  -> add the key that it names",
    ),
    (
        ("agent.components.critic_1.out_features=${trainer.size}", "agent.components.fc.out_features=${trainer.sise}"),
        UsageError,
        r"components\.fc\.out_features is '\$\{trainer\.sise\}', which is not resolved",
    ),
    (
        ("agent.components.fc.sources=[{name: '${a.b}'}]",),
        UsageError,
        r"components\.fc\.sources\.0\.name is '\$\{a\.b\}', which is not resolved",
    ),
    (
        ("agent.components.fc.out_features=???",),
        UsageError,
        r"fc\.out_features is '\?\?\?', which stands for .* missing\n  -> write one, or .*: agent\.components\.fc\.out",
    ),
    (("+stack=shadow",), UsageError, "stack is 'shadow' in the job and 'modules' in its agent\n  -> say it in one"),
]


@pytest.mark.parametrize(("overrides", "error", "message"), WRONG)
def test_what_cannot_be_built_is_told(
    jobs: Path, overrides: tuple[str, ...], error: type[MettaError], message: str
) -> None:
    with pytest.raises(error, match=message):
        build(jobs, *overrides)


@pytest.mark.parametrize(
    ("override", "old", "new"),
    [
        ("~agent.components.core_relu", "the old stack refuses the config: KeyError: 'core_relu'", READ_BY),
        ("agent.components.fc.out_features=wide", "the old stack refuses the config: ", "positive integer, got 'wide'"),
        ("+agent.components.fc.out_feature=7", "out_feature has no counterpart", "unknown key.s. out_feature; known"),
    ],
)
def test_the_old_stack_refuses_in_the_plainer_words_of_the_new_one(
    jobs: Path, override: str, old: str, new: str
) -> None:
    message = f"config: .*{old}.*\n  -> correct it; the new stack says: component '.*{new}"
    with pytest.raises(UnusableFileError, match=message):
        build(jobs, override, "agent.stack=legacy")


def test_the_old_stack_alone_refuses_in_its_own_words(jobs: Path) -> None:
    with pytest.raises(UnusableFileError, match=r"cannot be said in the old stack: .*\n  -> undo that change"):
        build(jobs, "+agent.components.fc.gain=3.0", "agent.stack=legacy")


@pytest.mark.parametrize(
    ("override", "error", "message"),
    [
        ("agent=none", MissingConfigException, "Could not find 'agent/none'"),
        ("agent.components.fc.out_feature=7", ConfigCompositionException, "Could not override .*fc.out_feature"),
        ("agent.components.nope.bias=true", ConfigCompositionException, "Could not override .*nope.bias"),
        ("~agent.components.nope", ConfigCompositionException, "'agent.components.nope' does not exist"),
    ],
)
def test_hydra_itself_tells_what_is_not_there(jobs: Path, override: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        composed(jobs, override)
