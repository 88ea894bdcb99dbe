"""jupyter-kernel-test 0.7.0 for the Flowbook kernel.

Needs JUPYTER_PATH to name a folder with kernels/flowbook (kernel-extensions/share/jupyter) and the
package jupyter-kernel-test; run by `python -m unittest flowbook_kernel_test`.
Everything it can test is tested but the pager: the kernel has none.
"""

import unittest

import jupyter_kernel_test


class FlowbookKernelTests(jupyter_kernel_test.KernelTests):
    kernel_name = "flowbook"
    language_name = "typescript"
    file_extension = ".ts"

    code_hello_world = "console.log('hello, world')"
    code_stderr = "console.error('to stderr')"
    code_generate_error = "throw new Error('on purpose')"
    code_inspect_sample = "Math.floor"

    completion_samples = [
        {"text": "Math.flo", "matches": {"floor"}},
        {"text": "consol", "matches": {"console"}},
    ]

    complete_code_samples = [
        "1",
        "const one = 1;",
        "function square(x: number) {\n  return x * x;\n}",
        "const text = `two\nlines`;",
    ]
    incomplete_code_samples = [
        "function square(x: number) {",
        "const list = [1, 2,",
        "const text = `two",
        "/* a comment",
        "1 +",
    ]
    invalid_code_samples = ["import", "const 1 = 2", "a b c"]

    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "[1, 2].map((x) => x + 1)", "result": "[ 2, 3 ]"},
        {"code": "({ a: 1 })", "result": "{ a: 1 }"},
    ]
    code_history_pattern = "6 ?*7*"
    supported_history_operations = ("tail", "range", "search")

    code_display_data = [
        {
            "code": "(globalThis as any)[Symbol.for('flowbook.display.sink')]"
            ".publish({ data: { 'text/html': '<b>x</b>' }, metadata: {} }, { update: false })",
            "mime": "text/html",
        },
    ]
    code_clear_output = (
        "(globalThis as any)[Symbol.for('flowbook.display.sink')].clear({ wait: false })"
    )


if __name__ == "__main__":
    unittest.main()
