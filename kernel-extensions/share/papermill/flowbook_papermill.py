"""Parameters of TypeScript notebooks for papermill: found as an entry point, registered when papermill is imported."""

import json
import math
import re
import threading

from papermill.engines import NBClientEngine
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators

_TEXT = r"""'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`"""
# One declaration: `const mode: 'smoke' | 'quick' = 'quick'; // help`. A type may go on in lines that are indented or close it.
_DECLARATION = re.compile(
    rf"""^(?:export\s+)?(?:const|let|var)\s+(?P<name>[A-Za-z_$][\w$]*)\s*
    (?::\s*(?P<type>(?:{_TEXT}|=>|\n(?=[ \t)}}\]])|[^='"`\n])+?)\s*)?
    =(?![=>])\s*(?P<value>(?:{_TEXT}|/(?!/)|[^'"`/\n])+?)\s*;?[ \t]*
    (?://[ \t]*(?P<help>.*))?$""",
    re.VERBOSE | re.MULTILINE,
)
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")
_GREATEST_WHOLE_NUMBER = 2**53 - 1
_TYPES = {bool: "boolean", int: "number", float: "number", str: "string"}

# papermill asks for a notebook's declarations right before it asks for the cell that overrides them.
_of_thread = threading.local()


class TypeScriptTranslator(Translator):
    """Declares parameters anew with the types that the notebook gives them, so that every later cell is checked as before."""

    @classmethod
    def translate_none(cls, val):
        return "null"

    @classmethod
    def translate_int(cls, val):
        if abs(val) > _GREATEST_WHOLE_NUMBER:
            raise ValueError(
                f"Cannot set a parameter as whole numbers must be at most {_GREATEST_WHOLE_NUMBER} away from 0: "
                f"current value is {val}"
            )
        return str(val)

    @classmethod
    def translate_float(cls, val):
        if math.isnan(val):
            return "NaN"
        if math.isinf(val):
            return "Infinity" if val > 0 else "-Infinity"
        return repr(val)

    @classmethod
    def translate_escaped_str(cls, str_val):
        return json.dumps(str(str_val))

    @classmethod
    def translate_list(cls, val):
        return f"[{', '.join(map(cls.translate, val))}]"

    @classmethod
    def translate_dict(cls, val):
        def key(name):
            text = json.dumps(str(name))
            return f"[{text}]" if name == "__proto__" else text

        return f"{{{', '.join(f'{key(name)}: {cls.translate(one)}' for name, one in val.items())}}}"

    @classmethod
    def comment(cls, cmt_str):
        return f"// {cmt_str}".strip()

    @classmethod
    def codify(cls, parameters, comment="Parameters"):
        declared = getattr(_of_thread, "types", {})
        _of_thread.types = {}
        lines = [cls.comment(comment)]
        for name, value in parameters.items():
            if not _IDENTIFIER.fullmatch(name):
                raise ValueError(
                    f"Cannot set a parameter as its name must be one that TypeScript can declare: current value is {name}"
                )
            type_name = declared.get(name) or _TYPES.get(type(value))
            annotation = f": {type_name}" if type_name else ""
            lines.append(f"const {name}{annotation} = {cls.translate(value)};")
        return "\n".join(lines) + "\n"

    @classmethod
    def inspect(cls, parameters_cell):
        found = [
            Parameter(
                name=match["name"],
                inferred_type_name=re.sub(r"\s+", " ", match["type"] or "None"),
                default=match["value"],
                help=match["help"] or "",
            )
            for match in _DECLARATION.finditer(parameters_cell["source"])
        ]
        types = {one.name: one.inferred_type_name for one in found}
        _of_thread.types = {name: text for name, text in types.items() if text != "None"}
        return found


# By the kernel's name alone: other kernels of TypeScript may not take a name's second declaration.
papermill_translators.register("flowbook", TypeScriptTranslator)


class Engine(NBClientEngine):
    """papermill's own: entry points are for engines, and loading this one is what registers the translator."""
