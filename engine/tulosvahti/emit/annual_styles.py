"""The named styles of the annual report, and its page: A4 on its side, its number below."""

from __future__ import annotations

from typing import Any

_LANGUAGES = {"fi": "fi-FI", "sv": "sv-FI", "en": "en-GB"}
_FONT = "Arial"


def add_styles(document: Any, language: str) -> None:  # noqa: ANN401 (python-docx is an extra)
    """Make the styles and set the page up. Everything is based on Normal, so that one change of font goes everywhere."""
    from docx.enum.style import WD_STYLE_TYPE  # noqa: PLC0415
    from docx.enum.text import WD_ALIGN_PARAGRAPH  # noqa: PLC0415
    from docx.shared import Pt, RGBColor  # noqa: PLC0415

    normal = document.styles["Normal"]
    _font(normal, _FONT, _LANGUAGES.get(language, "en-GB"))
    normal.font.size = Pt(10)
    for name, size in (("Title", 22), ("Subtitle", 14), ("Heading 1", 14), ("Heading 2", 11)):
        style = document.styles[name]
        _font(style, _FONT)
        style.font.size, style.font.color.rgb, style.font.italic = Pt(size), RGBColor(0x1D, 0x23, 0x2B), False
        style.paragraph_format.keep_with_next = True
    document.styles["Heading 1"].paragraph_format.space_before = Pt(18)
    document.styles["Heading 1"].paragraph_format.space_after = Pt(4)
    document.styles["Heading 2"].paragraph_format.space_before = Pt(10)
    document.styles["Heading 2"].paragraph_format.space_after = Pt(4)
    for name, size, bold, right, after in (
        ("Text", 10, False, False, 6), ("Warning", 10, True, False, 8), ("Head", 9, True, False, 1), ("Head Number", 9, True, True, 1),
        ("Cell", 9, False, False, 1), ("Number", 9, False, True, 1), ("Note", 8, False, False, 1),
    ):  # fmt: skip
        style = document.styles.add_style(f"Tulosvahti {name}", WD_STYLE_TYPE.PARAGRAPH)
        style.base_style, style.font.size, style.font.bold = normal, Pt(size), bold
        style.paragraph_format.space_after, style.paragraph_format.space_before = Pt(after), Pt(1)
        style.paragraph_format.line_spacing = 1
        if right:
            style.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    document.styles["Tulosvahti Warning"].font.color.rgb = RGBColor(0x7A, 0x45, 0x00)
    mark = document.styles.add_style("Tulosvahti Mark", WD_STYLE_TYPE.CHARACTER)
    mark.font.superscript = True
    table = document.styles.add_style("Tulosvahti Table", WD_STYLE_TYPE.TABLE)
    table.base_style = document.styles["Normal Table"]
    _lines(table.element)
    _page(document)


def _font(style: Any, name: str, language: str = "") -> None:  # noqa: ANN401
    """Name the font for every script: the template's headings take theirs from a theme."""
    from docx.oxml import OxmlElement  # noqa: PLC0415
    from docx.oxml.ns import qn  # noqa: PLC0415

    style.font.name = name
    fonts = style.element.rPr.rFonts
    for script in ("ascii", "hAnsi", "cs", "eastAsia"):
        fonts.set(qn(f"w:{script}"), name)
        fonts.attrib.pop(qn(f"w:{script}Theme"), None)
    fonts.attrib.pop(qn("w:cstheme"), None)
    if language:
        spoken = OxmlElement("w:lang")
        spoken.set(qn("w:val"), language)
        style.element.rPr.append(spoken)


def _lines(element: Any) -> None:  # noqa: ANN401
    """Give the table style its lines: one under each row, a stronger one under the heading, air beside the text."""
    from docx.oxml import parse_xml  # noqa: PLC0415
    from docx.oxml.ns import nsdecls  # noqa: PLC0415

    line = '<w:{0} w:val="single" w:sz="{1}" w:space="0" w:color="{2}"/>'
    borders = line.format("top", 8, "1D232B") + line.format("bottom", 8, "1D232B") + line.format("insideH", 4, "C3CAD2")
    margins = "".join(f'<w:{side} w:w="{width}" w:type="dxa"/>' for side, width in (("top", 20), ("left", 110), ("bottom", 20), ("right", 110)))
    element.append(parse_xml(f"<w:tblPr {nsdecls('w')}><w:tblBorders>{borders}</w:tblBorders><w:tblCellMar>{margins}</w:tblCellMar></w:tblPr>"))
    head = f'<w:tcBorders>{line.format("bottom", 8, "1D232B")}</w:tcBorders><w:shd w:val="clear" w:color="auto" w:fill="E9EEF4"/>'
    element.append(parse_xml(f'<w:tblStylePr {nsdecls("w")} w:type="firstRow"><w:tcPr>{head}</w:tcPr></w:tblStylePr>'))


def _page(document: Any) -> None:  # noqa: ANN401
    from docx.enum.section import WD_ORIENT  # noqa: PLC0415
    from docx.enum.text import WD_ALIGN_PARAGRAPH  # noqa: PLC0415
    from docx.oxml import parse_xml  # noqa: PLC0415
    from docx.oxml.ns import nsdecls  # noqa: PLC0415
    from docx.shared import Mm  # noqa: PLC0415

    section = document.sections[0]
    section.orientation, section.page_width, section.page_height = WD_ORIENT.LANDSCAPE, Mm(297), Mm(210)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(15)
    below = section.footer.paragraphs[0]
    below.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    below._p.append(parse_xml(f'<w:fldSimple {nsdecls("w")} w:instr="PAGE"><w:r><w:t>1</w:t></w:r></w:fldSimple>'))  # noqa: SLF001 (no name for a field)
