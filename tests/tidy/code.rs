//! Rust files as the tokens that are compiled into the program: no comments, no strings, nothing under `#[cfg(test)]`.
//!
//! In: a path. Out: the paths that its code names, with `use` trees taken apart: `use std::{env, fs}` is `std::env` and
//! `std::fs`. No test is here.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// One file of the program.
pub struct Code {
    pub file: PathBuf,
    tokens: Vec<Token>,
}

/// A word, a sign or a bracket, and its line.
struct Token {
    text: String,
    line: usize,
}

/// Something that the code names: `["std", "fs", "read"]`.
pub struct Name {
    pub segments: Vec<String>,
    pub line: usize,
    /// It is called as a macro.
    pub is_macro: bool,
}

pub fn rust_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut found: Vec<PathBuf> =
        fs::read_dir(path).unwrap().flat_map(|entry| rust_files(&entry.unwrap().path())).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "rs"));
    found.sort();
    found
}

/// All files under these paths that are compiled into the program; files of tests are modules that a `#[cfg(test)]` names.
pub fn read(paths: &[&str]) -> Vec<Code> {
    let files: Vec<PathBuf> = paths.iter().flat_map(|path| rust_files(Path::new(path))).collect();
    let streams = files.into_iter().map(|file| {
        let text = fs::read_to_string(&file).unwrap();
        let tokens: TokenStream = text.parse().unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        (file, tokens)
    });
    let (mut found, mut tests) = (Vec::new(), Vec::new());
    for (file, stream) in streams {
        let mut tokens = Vec::new();
        let mut modules = Vec::new();
        flatten(stream, &mut tokens, &mut modules);
        let home = match file.file_stem().is_some_and(|stem| stem == "mod" || stem == "lib" || stem == "main") {
            true => file.parent().unwrap().to_owned(),
            false => file.with_extension(""),
        };
        tests.extend(modules.into_iter().map(|module| home.join(module)));
        found.push(Code { file, tokens });
    }
    found.retain(|code| !tests.iter().any(|test| code.file.with_extension("").starts_with(test)));
    found
}

/// Tokens in order, brackets among them, without the items under `#[cfg(test)]`; the names of modules among these.
fn flatten(stream: TokenStream, out: &mut Vec<Token>, tests: &mut Vec<String>) {
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Punct(sign) if sign.as_char() == '#' => {
                let Some(TokenTree::Group(attribute)) = trees.peek() else { continue };
                if attribute.stream().to_string().replace(' ', "") == "cfg(test)" {
                    trees.next();
                    let mut before = String::new();
                    for tree in trees.by_ref() {
                        match &tree {
                            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => break,
                            TokenTree::Punct(sign) if sign.as_char() == ';' => break,
                            TokenTree::Ident(word) if before == "mod" => tests.push(word.to_string()),
                            _ => {}
                        }
                        before = tree.to_string();
                    }
                }
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                out.push(Token { text: open.into(), line });
                flatten(group.stream(), out, tests);
                out.push(Token { text: close.into(), line });
            }
            TokenTree::Literal(_) => out.push(Token { text: "\"\"".into(), line }),
            other => out.push(Token { text: other.to_string(), line }),
        }
    }
}

impl Code {
    /// Everything that the code names by a path or by a word.
    pub fn names(&self) -> Vec<Name> {
        let (mut names, mut at) = (Vec::new(), 0);
        while at < self.tokens.len() {
            at = self.name(at, &[], &mut names).max(at + 1);
        }
        names
    }

    /// The names that begin at a token, under what stands before their brace; returns the place after them.
    fn name(&self, mut at: usize, before: &[String], out: &mut Vec<Name>) -> usize {
        let text = |at: usize| self.tokens.get(at).map_or("", |token| &*token.text);
        let is_word = |at: usize| text(at).starts_with(|c: char| c.is_alphabetic() || c == '_');
        let mut segments = before.to_vec();
        while is_word(at) {
            segments.push(text(at).to_owned());
            at += 1;
            if (text(at), text(at + 1)) != (":", ":") {
                let line = self.tokens[at - 1].line;
                out.push(Name { segments, line, is_macro: text(at) == "!" });
                return at;
            }
            at += 2;
            if text(at) == "{" {
                at += 1;
                while !matches!(text(at), "}" | "") {
                    at = self.name(at, &segments, out).max(at + 1);
                }
                return at + 1;
            }
        }
        at
    }

    /// Where in the crate the file's code is: `["store", "sqlite", "read"]`.
    pub fn module(&self) -> Vec<String> {
        let path = self.file.strip_prefix("src").unwrap_or(&self.file).with_extension("");
        let words: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        match words.split_last() {
            Some((last, parents)) if matches!(&**last, "mod" | "lib" | "main") => parents.to_vec(),
            _ => words,
        }
    }
}
