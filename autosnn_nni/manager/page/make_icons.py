"""Make ``icons.woff`` from Fluent UI System Icons: `python make_icons.py icons.json`.

``icons.json`` is that of the npm package @iconify-json/fluent 1.2.60. NNI's page asks for
Microsoft's MDL2 icons, which are not free; the font has free ones at the same code points.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.svgLib.path import parse_path

#: The icons that NNI's page uses: MDL2's name, its code point, and the free icon in its place.
ICONS = {
    "BarChartHorizontal": (0xE9EB, "data-bar-horizontal-20-regular"),
    "Blocked2": (0xECE4, "prohibited-20-regular"),
    "BulletedList": (0xE8FD, "text-bullet-list-ltr-20-regular"),
    "CalculatorMultiply": (0xE947, "dismiss-20-regular"),
    "Calendar": (0xE787, "calendar-20-regular"),
    "Cancel": (0xE711, "dismiss-20-regular"),
    "CheckMark": (0xE73E, "checkmark-20-filled"),
    "ChevronDown": (0xE70D, "chevron-down-20-regular"),
    "ChevronLeft": (0xE76B, "chevron-left-20-regular"),
    "ChevronRight": (0xE76C, "chevron-right-20-regular"),
    "ChevronRightMed": (0xE974, "chevron-right-20-regular"),
    "ChevronUp": (0xE70E, "chevron-up-20-regular"),
    "Clear": (0xE894, "dismiss-20-regular"),
    "Completed": (0xE930, "checkmark-circle-20-regular"),
    "Copy": (0xE8C8, "copy-20-regular"),
    "CustomList": (0xEEBE, "text-bullet-list-square-20-regular"),
    "DisableUpdates": (0xE8D8, "arrow-sync-off-20-regular"),
    "DoubleChevronDown": (0xEE04, "chevron-double-down-20-regular"),
    "DoubleChevronUp": (0xEDBD, "chevron-double-up-20-regular"),
    "Down": (0xE74B, "arrow-down-20-regular"),
    "Download": (0xE896, "arrow-download-20-regular"),
    "Edit": (0xE70F, "edit-20-regular"),
    "Equalizer": (0xE9E9, "options-20-regular"),
    "ErrorBadge": (0xEA39, "dismiss-circle-20-regular"),
    "Filter": (0xE71C, "filter-20-regular"),
    "FlowChart": (0xE9D4, "flow-20-regular"),
    "HomeGroup": (0xEC26, "home-20-regular"),
    "Important": (0xE8C9, "important-20-filled"),
    "Info": (0xE946, "info-20-regular"),
    "LineChart": (0xE9E6, "arrow-trending-lines-20-regular"),
    "M365InvoicingLogo": (0xF7C1, "document-text-20-regular"),
    "Market": (0xEAFC, "arrow-trending-20-regular"),
    "MarketDown": (0xEF42, "arrow-trending-down-20-regular"),
    "More": (0xE712, "more-horizontal-20-regular"),
    "Refresh": (0xE72C, "arrow-clockwise-20-regular"),
    "ReminderTime": (0xEBF9, "clock-alarm-20-regular"),
    "ReplyAll": (0xEE0A, "arrow-reply-all-20-regular"),
    "RevToggleKey": (0xE845, "arrow-left-20-regular"),
    "Search": (0xE721, "search-20-regular"),
    "SortDown": (0xEE69, "arrow-sort-down-20-regular"),
    "SortUp": (0xEE68, "arrow-sort-up-20-regular"),
    "StackedLineChart": (0xF24E, "data-line-20-regular"),
    "StatusCircleBlock": (0xF140, "prohibited-20-regular"),
    "TestParameter": (0xF3AD, "beaker-20-regular"),
    "Timer": (0xE91E, "timer-20-regular"),
    "Up": (0xE74A, "arrow-up-20-regular"),
    "Warning": (0xE7BA, "warning-20-regular"),
}

#: Units of the font's square. The icons are drawn on 20 x 20 with a margin of 1.
_EM = 1800
_UNIT = _EM / 18


def _glyph(body: str) -> Any:
    glyph = TTGlyphPen(None)
    upright = TransformPen(Cu2QuPen(glyph, 1.0), (_UNIT, 0, 0, -_UNIT, -_UNIT, _EM + _UNIT))
    for path in re.findall(r' d="([^"]+)"', body):
        parse_path(path, upright)
    return glyph.glyph()


def make(bodies: dict[str, dict[str, str]], font: Path) -> None:
    """Write the font with the icons' drawings, by name, in SVG."""
    glyphs = {name: _glyph(bodies[icon]["body"]) for name, (_, icon) in ICONS.items()}
    builder = FontBuilder(_EM, isTTF=True)
    builder.setupGlyphOrder([".notdef", *glyphs])
    builder.setupCharacterMap({code: name for name, (code, _) in ICONS.items()})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), **glyphs})
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *glyphs], (_EM, 0)))
    builder.setupHorizontalHeader(ascent=_EM, descent=0)
    builder.setupNameTable({"familyName": "Icons of NNI's page", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=_EM, usWinAscent=_EM)
    builder.setupPost(keepGlyphNames=False)
    builder.font["head"].created = builder.font["head"].modified = 0
    builder.font.recalcTimestamp = False
    builder.font.flavor = "woff"
    builder.save(font)


if __name__ == "__main__":
    drawings = json.loads(Path(sys.argv[1]).read_text())["icons"]
    make(drawings, Path(__file__).with_name("icons.woff"))
