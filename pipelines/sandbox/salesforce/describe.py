"""What describe says of an object and its fields.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_describe.htm
"""

from __future__ import annotations

from typing import Any

from pipelines.sandbox.salesforce.fields import READ_ONLY, TEXTS, Field
from pipelines.sandbox.salesforce.ids import PREFIXES

Record = dict[str, Any]
SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
}


def described(field: Field, values: list[Record]) -> Record:
    """One entry of `fields`; `values` are those of a picklist."""
    return {
        "name": field.name,
        "label": field.label,
        "type": field.type,
        "length": field.length,
        "byteLength": field.length * (3 if field.type in TEXTS - {"id", "reference"} else 1),
        "nillable": field.nillable,
        "createable": field.createable,
        "updateable": field.updateable,
        "externalId": field.external,
        "unique": field.unique,
        "caseSensitive": field.case_sensitive,
        "idLookup": field.id_lookup,
        "restrictedPicklist": field.restricted,
        "picklistValues": values,
        "referenceTo": list(field.refers),
        "relationshipName": field.relationship or None,
        "polymorphicForeignKey": len(field.refers) > 1,
        "defaultedOnCreate": field.defaulted,
        "filterable": not field.unfilterable,
        "sortable": not field.unfilterable,
        "calculated": False,
        "custom": field.name.endswith("__c"),
        "soapType": SOAP.get(field.type, "xsd:string"),
    }


def summary(name: str, base: str) -> Record:
    """An object as the list of objects has it; `base` is the path of the version."""
    written = name not in READ_ONLY
    path = f"{base}/sobjects/{name}"
    return {
        "name": name,
        "label": name,
        "labelPlural": f"{name}s",
        "keyPrefix": PREFIXES[name],
        "custom": False,
        "createable": written,
        "updateable": written,
        "deletable": written and name != "User",
        "undeletable": written and name != "User",
        "mergeable": name in ("Account", "Contact", "Lead"),
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": name not in READ_ONLY,
        "triggerable": written,
        "urls": {"sobject": path, "describe": f"{path}/describe", "rowTemplate": path + "/{ID}"},
    }
