//! The words that say what an argument is for.

use super::Role;

/// The longest word of [`role`].
const LONGEST: usize = 14;

/// The role of one word of a name.
pub(super) fn role(word: &str) -> Option<Role> {
    let mut small = [0; LONGEST];
    let small = small.get_mut(..word.len())?;
    small.copy_from_slice(word.as_bytes());
    small.make_ascii_lowercase();
    Some(match &*small {
        b"path" | b"paths" | b"file" | b"files" | b"filename" | b"filenames" | b"filepath"
        | b"filepaths" | b"dir" | b"dirs" | b"directory" | b"directories" | b"folder"
        | b"folders" | b"cwd" | b"workdir" | b"pathname" | b"dirname" | b"attachment"
        | b"attachments" | b"basedir" => Role::Path,
        b"url" | b"urls" | b"uri" | b"uris" | b"href" | b"link" | b"links" | b"endpoint"
        | b"webhook" | b"callback" | b"redirect" => Role::Url,
        b"command" | b"commands" | b"cmd" | b"cmds" | b"shell" | b"argv" | b"args" | b"exec"
        | b"bash" | b"powershell" | b"cmdline" | b"commandline" => Role::Command,
        b"sql" | b"query" | b"queries" | b"statement" | b"statements" | b"where" | b"filter"
        | b"filters" | b"pipeline" | b"stages" | b"aggregate" | b"aggregation" | b"selector"
        | b"criteria" | b"condition" | b"conditions" | b"predicate" | b"projection" | b"cypher"
        | b"sparql" | b"graphql" | b"gremlin" | b"jql" | b"cql" | b"kql" | b"promql" | b"soql"
        | b"having" | b"update" | b"sort" => Role::Query,
        b"html" => Role::Html,
        b"xml" | b"svg" | b"xslt" | b"soap" | b"wsdl" | b"rss" => Role::Xml,
        b"template" | b"templates" => Role::Template,
        b"header" | b"headers" | b"cookie" | b"cookies" => Role::Header,
        b"ldap" | b"dn" | b"basedn" => Role::Ldap,
        b"regex" | b"regexp" | b"pattern" | b"patterns" | b"glob" | b"globs" => Role::Regex,
        b"id" | b"ids" | b"uuid" | b"guid" | b"slug" | b"sku" | b"username" | b"login"
        | b"email" | b"token" => Role::Identifier,
        b"text" | b"texts" | b"message" | b"messages" | b"description" | b"comment"
        | b"comments" | b"note" | b"notes" | b"prompt" | b"prompts" | b"question"
        | b"questions" | b"answer" | b"answers" | b"summary" | b"title" | b"subject"
        | b"reason" | b"details" | b"explanation" | b"reply" | b"search" | b"q" | b"keyword"
        | b"keywords" | b"term" | b"terms" | b"sentence" | b"caption" | b"label" | b"labels"
        | b"topic" | b"goal" | b"observation" | b"observations" | b"fact" | b"facts"
        | b"memory" | b"task" | b"feedback" | b"bio" => Role::Prose,
        b"content" | b"contents" | b"body" | b"markdown" | b"md" | b"code" | b"script"
        | b"snippet" | b"instructions" | b"thought" | b"thoughts" | b"thinking" | b"expression"
        | b"expressions" | b"formula" | b"function" | b"document" | b"documents" | b"patch"
        | b"diff" | b"edits" | b"newtext" | b"oldtext" | b"source_code" | b"javascript"
        | b"python" | b"css" | b"dockerfile" | b"yaml" | b"json" | b"payload" | b"transcript" => {
            Role::Text
        }
        _ => return None,
    })
}

/// The role of two words that stand together, where it is another than the second word's own.
pub(super) fn pair(words: &str) -> Option<Role> {
    Some(match words {
        "new text" | "old text" | "file text" | "new string" | "old string" | "new str"
        | "old str" | "insert text" | "source code" | "raw text" | "full text" => Role::Text,
        "search query" | "query text" | "query string" => Role::Prose,
        "file id" | "file ids" | "folder id" | "link id" => Role::Identifier,
        "file pattern" | "path pattern" => Role::Regex,
        "user name" | "login name" => Role::Identifier,
        "file name" | "file names" => Role::Path,
        _ => return None,
    })
}

/// Phrases of descriptions, the weightiest first.
pub(super) const PHRASES: [(Role, &str); 26] = [
    (Role::Command, "shell command"),
    (Role::Command, "command to"),
    (Role::Command, "command line"),
    (Role::Path, "file path"),
    (Role::Path, "filepath"),
    (Role::Path, "path to"),
    (Role::Path, "path of"),
    (Role::Path, "absolute path"),
    (Role::Path, "relative path"),
    (Role::Path, "file name"),
    (Role::Path, "filename"),
    (Role::Path, "directory"),
    (Role::Path, "folder"),
    (Role::Url, "url of"),
    (Role::Url, "url to"),
    (Role::Query, "sql"),
    (Role::Query, "mongodb query"),
    (Role::Query, "query to"),
    (Role::Regex, "regular expression"),
    (Role::Regex, "regex"),
    (Role::Regex, "glob"),
    (Role::Text, "source code"),
    (Role::Text, "code to"),
    (Role::Text, "markdown"),
    (Role::Text, "content of"),
    (Role::Text, "content to"),
];

/// Whether a phrase may begin with the byte.
pub(super) fn begins_a_phrase(byte: u8) -> bool {
    matches!(
        byte | 0x20,
        b's' | b'c' | b'f' | b'p' | b'a' | b'r' | b'd' | b'u' | b'm' | b'q' | b'g'
    )
}
