"""What the pages have in common: their templates, and figures with a description."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from autosnn_nni import numbers
from autosnn_nni.report import theme
from autosnn_nni.report.plotly_layout import figure_html
from autosnn_nni.scoring.ranking import format_interval


@dataclass(frozen=True)
class Drawing:
    """A figure of a page, and what it shows in words."""

    html: Markup
    description: str


def drawing(name: str, figure: Any, description: str) -> Drawing:
    """The figure of plotly as part of a page."""
    return Drawing(Markup(figure_html(figure, name)), description)


def render_template(name: str, figures: Mapping[str, Drawing], **values: object) -> str:
    """Render a whole page as HTML, with plotly.js included once if it has figures."""
    script = Markup(get_plotlyjs()) if figures else ""
    template = _environment().get_template(name)
    return template.render(figures=figures, plotly_js=script, theme=theme, **values)


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        accuracy=numbers.format_accuracy,
        spikes=numbers.format_spikes,
        rate=numbers.format_rate,
        tau=numbers.format_tau,
        share=numbers.format_share,
        joules=numbers.format_joules,
        seconds=numbers.format_seconds,
        axis_title=theme.axis_title,
        interval=format_interval,
        whole="{:,}".format,
        rounded="{:,.0f}".format,
    )
    return environment


def setting_text(value: Any) -> str:
    """The value of a setting, for people."""
    if value is None:
        return numbers.DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
