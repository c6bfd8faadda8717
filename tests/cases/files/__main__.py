"""Write the tables of docs/data.md anew."""

from tests.cases.files.document import write_document

write_document()
