"""The API: the library as JSON, and the OpenAPI document by which it is described, read and shown.

`routes` answers, from what `parameters` reads; `document` describes the same with `schemas` and `examples`, and `page`
shows it; `problems` are the failures.
"""
