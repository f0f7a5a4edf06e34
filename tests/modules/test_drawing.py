"""A container shows its graph: as a text, and as a Mermaid diagram."""

from __future__ import annotations

from modules import ComponentContainer, LinearModule, LSTMModule, SafeModule


def small() -> ComponentContainer:
    container = ComponentContainer()
    container.register_component("_value_", LinearModule(3, 1, in_keys=("core",), out_keys=("_value_",)))
    container.register_component(
        "core", LSTMModule(2, 3, in_keys=("fc", "lstm_h", "lstm_c"), out_keys=("core", "next_h", "next_c"))
    )
    container.register_component("fc", SafeModule(LinearModule(2, 2, in_keys=("x",), out_keys=("fc",))), ["odd"])
    container.register_component("odd", LinearModule(1, 1, in_keys=('<"x&y">',), out_keys=("odd",)))
    container.register_component("state", LinearModule(3, 1, in_keys=("next_h",), out_keys=("state",)))
    return container


def test_describe_lists_inputs_then_components_in_execution_order() -> None:
    assert small().describe().splitlines() == [
        'inputs: <"x&y">, x, lstm_h, lstm_c',
        'odd      LinearModule              <"x&y"> -> odd                               2 parameters',
        "fc       SafeModule(LinearModule)  x -> fc  after odd                           6 parameters",
        "core     LSTMModule                fc, lstm_h, lstm_c -> core, next_h, next_c  84 parameters",
        "_value_  LinearModule              core -> _value_                              4 parameters",
        "state    LinearModule              next_h -> state                              4 parameters",
    ]


def test_mermaid_draws_inputs_components_and_what_flows() -> None:
    assert small().to_mermaid().splitlines() == [
        "flowchart TD",
        '    i0(["#60;#34;x#38;y#34;#62;"])',
        '    i1(["x"])',
        '    i2(["lstm_h"])',
        '    i3(["lstm_c"])',
        '    c0["odd<br/>LinearModule"]',
        '    c1["fc<br/>SafeModule(LinearModule)"]',
        '    c2["core<br/>LSTMModule"]',
        '    c3["_value_<br/>LinearModule"]',
        '    c4["state<br/>LinearModule"]',
        "    i0 --> c0",
        "    i1 --> c1",
        "    c0 -.-> c1",
        "    c1 --> c2",
        "    i2 --> c2",
        "    i3 --> c2",
        "    c2 --> c3",
        '    c2 -->|"next_h"| c4',
    ]


def test_an_empty_container_can_be_shown() -> None:
    assert ComponentContainer().describe() == "inputs: none"
    assert ComponentContainer().to_mermaid() == "flowchart TD"


def test_a_name_is_a_label_whatever_is_in_it() -> None:
    container = ComponentContainer()
    container.register_component("`a`", LinearModule(1, 1, in_keys=("#35;\n%%x",), out_keys=("`a`",)))
    assert container.to_mermaid().splitlines()[1:3] == [
        '    i0(["#35;35; #37;#37;x"])',
        '    c0["#96;a#96;<br/>LinearModule"]',
    ]
    assert len(container.describe().splitlines()) == 2
