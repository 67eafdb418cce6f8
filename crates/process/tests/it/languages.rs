//! Names and contents with the language that linguist gives them.

use codelupe_process::language::{detect, load};

/// File name, content, language.
const CASES: &[(&str, &str, Option<&str>)] = &[
    // By file name.
    ("Dockerfile", "FROM alpine\n", Some("Dockerfile")),
    ("Makefile", "all:\n\techo\n", Some("Makefile")),
    ("CMakeLists.txt", "project(x)\n", Some("CMake")),
    ("Gemfile", "source 'x'\n", Some("Ruby")),
    ("Rakefile", "task :x\n", Some("Ruby")),
    ("BUILD.bazel", "cc_library()\n", Some("Starlark")),
    ("go.mod", "module x\n", Some("Go Module")),
    ("package.json", "{}\n", Some("JSON")),
    ("tsconfig.json", "{}\n", Some("JSON with Comments")),
    ("Cargo.lock", "version = 3\n", Some("TOML")),
    ("pom.xml", "<project/>\n", Some("Maven POM")),
    (".bashrc", "alias a=b\n", Some("Shell")),
    ("requirements.txt", "serde==1\n", Some("Pip Requirements")),
    ("nginx.conf", "server {}\n", Some("Nginx")),
    ("Jenkinsfile", "node {}\n", Some("Groovy")),
    // By extension alone.
    ("a.py", "x = 1\n", Some("Python")),
    ("a.PY", "x = 1\n", Some("Python")),
    ("a.go", "package a\n", Some("Go")),
    ("a.java", "class A {}\n", Some("Java")),
    ("a.js", "let a;\n", Some("JavaScript")),
    ("a.mjs", "let a;\n", Some("JavaScript")),
    ("a.jsx", "let a;\n", Some("JavaScript")),
    ("a.tsx", "let a;\n", Some("TSX")),
    ("a.c", "int a;\n", Some("C")),
    ("a.cc", "int a;\n", Some("C++")),
    ("a.cpp", "int a;\n", Some("C++")),
    ("a.rb", "a = 1\n", Some("Ruby")),
    ("a.kt", "val a = 1\n", Some("Kotlin")),
    ("a.swift", "let a = 1\n", Some("Swift")),
    ("a.css", "a {}\n", Some("CSS")),
    ("a.scss", "a {}\n", Some("SCSS")),
    ("a.html", "<p>\n", Some("HTML")),
    ("a.html.erb", "<p>\n", Some("HTML+ERB")),
    ("a.json", "{}\n", Some("JSON")),
    ("a.yml", "a: 1\n", Some("YAML")),
    ("a.toml", "a = 1\n", Some("TOML")),
    ("a.hs", "main = x\n", Some("Haskell")),
    ("a.ex", "defmodule A do\n", Some("Elixir")),
    ("a.tf", "resource \"x\" \"y\" {}\n", Some("HCL")),
    ("a.proto", "syntax = \"proto3\";\n", Some("Protocol Buffer")),
    ("a.lua", "local a\n", Some("Lua")),
    ("a.dart", "void main() {}\n", Some("Dart")),
    ("a.zig", "const a = 1;\n", Some("Zig")),
    ("a.d.ts", "declare let a;\n", Some("TypeScript")),
    // Extensions that several languages share.
    ("a.h", "int f(void);\n", Some("C")),
    ("a.h", "namespace a {\nclass B;\n}\n", Some("C++")),
    ("a.h", "template <class T> T f();\n", Some("C++")),
    ("a.h", "#include <string>\nstd::string f();\n", Some("C++")),
    ("a.h", "@interface A : NSObject\n@end\n", Some("Objective-C")),
    (
        "a.m",
        "#import <Foundation/Foundation.h>\n@implementation A\n@end\n",
        Some("Objective-C"),
    ),
    ("a.m", "function y = f(x)\n% doc\ny = x;\nend\n", Some("MATLAB")),
    ("a.m", "(* ::Package:: *)\n", Some("Wolfram Language")),
    ("a.m", ":- module hello.\n", Some("Mercury")),
    ("a.pl", "use strict;\nmy $a = 1;\n", Some("Perl")),
    ("a.pl", "parent(a, b).\nx(X) :- parent(X, _).\n", Some("Prolog")),
    ("a.pm", "package A;\nuse strict;\n", Some("Perl")),
    ("a.pm", "use v6;\nmodule A {}\n", Some("Raku")),
    ("a.t", "use strict;\nok(1);\n", Some("Perl")),
    ("a.ts", "const a: number = 1;\n", Some("TypeScript")),
    (
        "a.ts",
        "<?xml version=\"1.0\"?>\n<!DOCTYPE TS>\n<TS version=\"2.1\">\n</TS>\n",
        Some("XML"),
    ),
    ("a.tsx", "<?xml version=\"1.0\"?>\n<tileset/>\n", Some("XML")),
    ("a.rs", "use std::fmt;\nfn main() {}\n", Some("Rust")),
    ("a.rs", "let x = 1;\n", Some("Rust")),
    ("a.rs", "#pragma version(1)\n#include \"x.rsh\"\n", Some("RenderScript")),
    ("a.md", "# Title\n", Some("Markdown")),
    (
        "a.md",
        "(define_insn \"x\"\n  [(set x y)])\n",
        Some("GCC Machine Description"),
    ),
    ("a.sql", "select 1;\n", Some("SQL")),
    ("a.r", "x <- function(a) a\n", Some("R")),
    ("a.v", "module a(input b);\nendmodule\n", Some("Verilog")),
    ("a.v", "Theorem a : True.\nProof. Qed.\n", Some("Rocq Prover")),
    ("a.cs", "using System;\nnamespace A {}\n", Some("C#")),
    ("a.cls", "\\NeedsTeXFormat{LaTeX2e}\n\\ProvidesClass{a}\n", Some("TeX")),
    ("a.php", "<?php\necho 1;\n", Some("PHP")),
    ("a.php", "<?hh\n", Some("Hack")),
    ("a.lisp", "(defun f (x) x)\n", Some("Common Lisp")),
    ("a.d", "module a;\nimport std.stdio;\n", Some("D")),
    ("a.yaml", "openapi: '3.0.0'\n", Some("OASv3-yaml")),
    ("a.json", "{\"openapi\": \"3.0.0\"}\n", Some("OASv3-json")),
    ("a.sol", "pragma solidity ^0.8.0;\ncontract A {}\n", Some("Solidity")),
    ("a.1", ".Dd May 1\n.Dt A 1\n.Sh NAME\n", Some("Roff Manpage")),
    // By shebang, modeline, or declaration.
    ("run", "#!/bin/sh\necho\n", Some("Shell")),
    ("run", "#!/usr/bin/env python3\nprint()\n", Some("Python")),
    ("run", "#!/usr/bin/env -S node --x\n", Some("JavaScript")),
    ("run", "#! /usr/bin/perl -w\n", Some("Perl")),
    ("run", "#!/usr/bin/python2.6\n", Some("Python")),
    ("run", "# -*- mode: ruby -*-\nputs 1\n", Some("Ruby")),
    ("run", "x\n# vim: set ft=sh :\n", Some("Shell")),
    ("a.inc", "// -*- C++ -*-\n", Some("C++")),
    ("data", "<?xml version=\"1.0\"?>\n<a/>\n", Some("XML")),
    // Not told.
    ("data", "some words\n", None),
    ("a.qqq", "some words\n", None),
    ("", "", None),
];

#[test]
fn languages() {
    let facts = load().unwrap();
    let wrong: Vec<_> = CASES
        .iter()
        .filter_map(|(name, text, expected)| {
            let found = detect(facts, name, text).map(|id| facts.name(id));
            (found != *expected).then(|| format!("{name} {text:?}: {found:?}, expected {expected:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
