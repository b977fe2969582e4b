//! What a client may ask of the desk: tools, resources and one prompt, as they are listed and as they are run.

use serde_json::{Value, json};

use crate::Desk;

/// The listing of `tools/list`.
pub(crate) fn tools() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let arguments = |properties: Value| {
        let required: Vec<_> = properties
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone())
            .collect();
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    };
    json!([
        {
            "name": "lookup_customer",
            "description": "Everything the desk knows of one customer.",
            "inputSchema": arguments(json!({ "id": {
                "type": "string", "pattern": "^C-[0-9]+$", "description": "Customer number, such as C-1001",
            } })),
            "outputSchema": {
                "type": "object",
                "properties": {
                    "id": { "type": "string" },
                    "name": { "type": "string" },
                    "email": { "type": "string", "format": "email" },
                    "phone": { "type": "string" },
                    "card": { "type": "string" },
                    "iban": { "type": "string" },
                    "nationalId": { "type": "string" },
                    "plan": { "enum": ["basic", "business"] },
                },
                "required": ["id", "name", "email", "phone", "card", "plan"],
                "additionalProperties": false,
            },
            "annotations": { "readOnlyHint": true },
        },
        {
            "name": "list_tickets",
            "description": "A customer's tickets.",
            "inputSchema": arguments(json!({ "customer": text("Customer number, such as C-1001") })),
            "annotations": { "readOnlyHint": true },
        },
        {
            "name": "read_file",
            "description": "Reads one of the desk's files, such as refunds.md.",
            "inputSchema": arguments(json!({ "path": text("Path below the desk's folder") })),
            "annotations": { "readOnlyHint": true },
        },
        {
            "name": "send_reply",
            "description": "Sends a reply to a ticket's customer.",
            "inputSchema": arguments(json!({
                "ticket": text("Ticket number, such as T-1"), "text": text("What to write"),
            })),
        },
        {
            "name": "delete_customer",
            "description": "Deletes a customer and everything known of them. Cannot be undone.",
            "inputSchema": arguments(json!({ "id": text("Customer number, such as C-1001") })),
            "annotations": { "destructiveHint": true },
        },
    ])
}

/// Runs a tool and gives its result; `None` where there is no such tool. What goes wrong inside a tool is a result too,
/// since a model can read it and mend its call.
pub(crate) fn call(desk: &Desk, name: &str, arguments: &Value) -> Option<Value> {
    let argument = |name: &str| {
        arguments[name]
            .as_str()
            .ok_or_else(|| format!("argument {name:?} must be a string"))
    };
    let run = || match name {
        "lookup_customer" => {
            let id = argument("id")?;
            let customer = desk
                .customer(id)
                .ok_or_else(|| format!("no customer {id}"))?;
            let lines: Vec<_> = customer
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, value)| format!("{key}: {}", value.as_str().unwrap_or_default()))
                .collect();
            Ok(json!({ "content": text(&lines.join("\n")), "structuredContent": customer }))
        }
        "list_tickets" => {
            let tickets = desk.tickets_of(argument("customer")?);
            let lines: Vec<_> = tickets
                .iter()
                .map(|ticket| {
                    let part = |key: &str| ticket[key].as_str().unwrap_or_default();
                    format!("{} {}\n{}", part("id"), part("subject"), part("text"))
                })
                .collect();
            Ok(json!({ "content": text(&lines.join("\n\n")) }))
        }
        "read_file" => {
            let path = argument("path")?;
            let file = desk
                .file(path)
                .ok_or_else(|| format!("no file at {path}"))?;
            Ok(json!({ "content": text(&format!("{path}:\n{file}")) }))
        }
        "send_reply" => {
            let ticket = argument("ticket")?;
            if !desk.reply_to(ticket, argument("text")?) {
                return Err(format!("no ticket {ticket}"));
            }
            Ok(json!({ "content": text(&format!("Sent the reply to {ticket}.")) }))
        }
        "delete_customer" => {
            let id = argument("id")?;
            if !desk.delete_customer(id) {
                return Err(format!("no customer {id}"));
            }
            Ok(json!({ "content": text(&format!("Deleted {id}.")) }))
        }
        _ => Err(String::new()),
    };
    let known = tools().as_array()?.iter().any(|tool| tool["name"] == name);
    known.then(|| {
        run().unwrap_or_else(|wrong: String| json!({ "content": text(&wrong), "isError": true }))
    })
}

/// The listing of `resources/list`.
pub(crate) fn resources(desk: &Desk) -> Value {
    let mut list = vec![json!({
        "uri": "desk://handbook", "name": "handbook", "mimeType": "text/markdown",
        "description": "How to answer a customer.",
    })];
    list.extend(desk.customer_ids().into_iter().map(|id| {
        json!({ "uri": format!("desk://customers/{id}"), "name": id, "mimeType": "application/json" })
    }));
    list.into()
}

/// What `resources/read` gives; `None` where there is no such resource.
pub(crate) fn read(desk: &Desk, uri: &str) -> Option<Value> {
    let (kind, text) = match uri {
        "desk://handbook" => (
            "text/markdown",
            "# Handbook\nBe kind, be brief, never ask for a whole card number.\n".to_owned(),
        ),
        _ => (
            "application/json",
            desk.customer(uri.strip_prefix("desk://customers/")?)?
                .to_string(),
        ),
    };
    Some(json!({ "contents": [{ "uri": uri, "mimeType": kind, "text": text }] }))
}

/// The listing of `prompts/list`.
pub(crate) fn prompts() -> Value {
    json!([{
        "name": "answer_ticket",
        "description": "Drafts an answer to a ticket.",
        "arguments": [{ "name": "customer", "description": "Customer number, such as C-1001", "required": true }],
    }])
}

/// What `prompts/get` gives; `None` where there is no such prompt or customer.
pub(crate) fn prompt(desk: &Desk, name: &str, arguments: &Value) -> Option<Value> {
    let customer = (name == "answer_ticket")
        .then(|| desk.customer(arguments["customer"].as_str()?))
        .flatten()?;
    let words = format!(
        "Write a kind, brief answer to the open tickets of {}, who can be reached at {}.",
        customer["name"].as_str()?,
        customer["email"].as_str()?
    );
    Some(json!({ "messages": [{ "role": "user", "content": { "type": "text", "text": words } }] }))
}

fn text(text: &str) -> Value {
    json!([{ "type": "text", "text": text }])
}
