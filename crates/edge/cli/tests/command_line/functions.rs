//! Functions of Lambda, as far as they need no AWS: packaging, checking, and the functions of a hub.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::{fleetwright, run, scratch};

/// `fleetwright cloud function …`.
fn function(directory: &Path, arguments: &[&str]) -> (i32, String, String) {
    run(fleetwright(directory).args(["cloud", "function"]).args(arguments))
}

fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("a directory")).expect("it can be made");
    fs::write(path, content).expect("it can be written");
}

#[test]
fn the_same_files_make_the_same_archive_wherever_they_lie() {
    let directory = scratch();
    let at = |name: &str| directory.path().join(name);
    for build in ["one", "two"] {
        write(&at(build).join("data/rules.json"), "{}");
        write(&at(build).join("bootstrap"), "run");
    }
    let package = |path: &str, out: &str| {
        let (exit, told, err) =
            function(directory.path(), &["package", path, "--out", out, "--output", "json"]);
        assert_eq!(exit, 0, "{err}");
        serde_json::from_str::<Value>(&told).expect("JSON")[0].clone()
    };
    let (one, two) = (package("one", "one.zip"), package("two", "two.zip"));
    assert_eq!(fs::read(at("one.zip")).expect("it is there"), fs::read(at("two.zip")).expect("it is there"));
    assert_eq!((&one["files"], &one["unpacked_bytes"]), (&json!(2), &json!(5)));
    assert_eq!((&one["code_sha256"], &one["needs_bucket"]), (&two["code_sha256"], &json!(false)));
    let alone = package("one/bootstrap", "alone.zip");
    assert_eq!(alone["files"], 1);
    assert_ne!(alone["code_sha256"], one["code_sha256"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_inside_and_refused_where_they_leave_or_go_round() {
    use std::os::unix::fs::symlink;
    let directory = scratch();
    let at = |name: &str| directory.path().join(name);
    write(&at("secret"), "hunter2");
    write(&at("build/lib/code"), "run");
    symlink("lib/code", at("build/bootstrap")).expect("a link");
    let package = || function(directory.path(), &["package", "build"]);
    let (exit, out, err) = package();
    assert_eq!(exit, 0, "{err}");
    assert!(out.contains("2 files of 6 bytes"), "{out}");

    symlink("..", at("build/lib/up")).expect("a link");
    let (exit, _, err) = package();
    assert!(exit == 15 && err.contains("FW-L0007") && err.contains("build/lib/up leads back"), "{err}");
    fs::remove_file(at("build/lib/up")).expect("it is there");
    symlink("../../secret", at("build/lib/out")).expect("a link");
    let (exit, _, err) = package();
    assert!(exit == 15 && err.contains("build/lib/out leaves the directory"), "{err}");
    fs::remove_file(at("build/lib/out")).expect("it is there");
    fs::create_dir(at("empty")).expect("it can be made");
    let (exit, _, err) = function(directory.path(), &["package", "empty"]);
    assert!(exit == 15 && err.contains("no files"), "{err}");
}

#[test]
fn what_lambda_would_refuse_is_named_before_anything_is_called() {
    let directory = scratch();
    write(&directory.path().join("bootstrap"), "run");
    write(&directory.path().join("variables.yaml"), "AWS_REGION: x\nTOKEN: hunter2\n");
    let create = ["create", "worker", "--code", "bootstrap", "--role", "hub"];
    let with = |more: &[&str]| function(directory.path(), &[&create, more].concat());
    for (more, said) in [
        (["--memory", "64"], "memory: 64 MiB is not 128 to 10240 MiB"),
        (["--time-out", "901"], "time-out: 901 s is not 1 to 900 s"),
        (["--ephemeral-storage", "100"], "ephemeral storage: 100 MiB"),
        (["--layer", "tools:3"], "not the ARN of a version of a layer"),
        (["--dead-letters", "dead"], "not the ARN of an SQS queue or an SNS topic"),
        (["--kms-key", "alias/mine"], "not the ARN of a key"),
        (["--subnet", "subnet-1"], "security groups: 0 of them"),
        (["--variables", "variables.yaml"], "AWS_REGION is one that Lambda sets itself"),
    ] {
        let (exit, out, err) = with(&more);
        assert_eq!((exit, out.as_str()), (15, ""), "{err}");
        assert!(err.contains("FW-L0002") && err.contains(said) && !err.contains("hunter2"), "{err}");
    }
    let (exit, _, err) = with(&["--memory", "1", "--time-out", "0"]);
    assert!(exit == 15 && err.contains("memory") && err.contains("time-out"), "all at once: {err}");
    let (exit, _, err) = function(directory.path(), &["update", "worker", "--memory", "64"]);
    assert!(exit == 15 && err.contains("memory: 64 MiB"), "{err}");
    for (arguments, said) in [
        (&["create", "worker", "--role", "hub"][..], "name its code"),
        (&["create", "worker", "--code", "bootstrap"], "--role"),
        (&["create", "a b", "--code", "bootstrap", "--role", "hub"], "FW-L0001"),
        (&["delete", "worker:live"], "FW-"),
    ] {
        let (exit, _, err) = function(directory.path(), arguments);
        assert!(exit != 0 && err.contains(said), "{arguments:?}: {exit} {err}");
    }
    write(&directory.path().join("wrong.zip"), "no archive");
    let wrong = ["create", "worker", "--code", "wrong.zip", "--role", "hub"];
    let (exit, _, err) = function(directory.path(), &wrong);
    assert!(exit == 15 && err.contains("FW-L0007") && err.contains("no ZIP archive"), "{err}");
}

#[test]
fn a_configuration_of_another_function_or_with_a_member_that_means_nothing_is_refused() {
    let directory = scratch();
    write(&directory.path().join("bootstrap"), "run");
    for (document, said) in [
        ("{\"Memory\": 512}", "\"Memory\" means nothing here"),
        ("{\"FunctionName\": \"other\"}", "it is of \"other\", not of worker"),
        ("{\"MemorySize\": \"large\"}", "MemorySize: it is no whole number"),
        ("{\"Timeout\": 1000}", "time-out: 1000 s"),
    ] {
        write(&directory.path().join("worker.json"), document);
        let create = ["create", "worker", "--code", "bootstrap", "--role", "hub", "--from", "worker.json"];
        let (exit, _, err) = function(directory.path(), &create);
        assert!(exit == 15 && err.contains("FW-L0002") && err.contains(said), "{document}: {err}");
    }
}

#[test]
fn an_event_that_is_none_is_refused_without_being_shown() {
    let directory = scratch();
    write(&directory.path().join("event.json"), "{\"token\": hunter2}");
    let large = format!("\"{}\"", "x".repeat(1024 * 1024));
    write(&directory.path().join("large.json"), &large);
    for (arguments, said) in [
        (&["--payload", "event.json"][..], "event.json is no JSON (line 1, column 11)"),
        (&["--payload", "{\"token\": hunter2}"], "--payload is no JSON (line 1, column 11)"),
        (&["--payload", "large.json", "--async"], "more than the 1048576 of an event that nobody waits for"),
    ] {
        let (exit, _, err) = function(directory.path(), &[&["invoke", "worker"], arguments].concat());
        assert_eq!(exit, 2, "{err}");
        assert!(err.contains("FW-L0008") && err.contains(said) && !err.contains("hunter2"), "{err}");
    }
}

#[test]
fn the_functions_of_a_hub_are_shown_and_written_one_by_one() {
    let directory = scratch();
    let (exit, out, err) = function(directory.path(), &["ready", "--output", "json"]);
    assert_eq!(exit, 0, "{err}");
    let rows: Value = serde_json::from_str(&out).expect("JSON");
    let names: Vec<&str> =
        rows.as_array().expect("rows").iter().filter_map(|row| row["name"].as_str()).collect();
    let of_patching = ["prepare", "turn", "gate", "approve", "authorise", "report"];
    let of_upgrades = ["perception", "reasoning", "execution", "validation", "rollback"];
    assert_eq!(names, [&of_patching[..], &of_upgrades].concat());

    let place = ["--environment", "prod", "--account", "111122223333", "--region", "eu-central-1"];
    let ready = ["ready", "authorise", "--out", "functions"];
    let (exit, _, err) = function(directory.path(), &[&ready[..], &place].concat());
    assert_eq!(exit, 2, "{err}");
    assert!(err.contains("--value ApprovalKeySecret=…, --value Key.Arn=…"), "{err}");
    let rest = [
        "--value",
        "ApprovalKeySecret=arn:secret",
        "--value",
        "Key.Arn=arn:aws:kms:eu-central-1:111122223333:key/1",
    ];
    let (exit, _, err) = function(directory.path(), &[&ready[..], &place, &rest].concat());
    assert_eq!(exit, 0, "{err}");
    let file = directory.path().join("functions/fleetwright-prod-authorise.json");
    let request: Value = serde_json::from_slice(&fs::read(file).expect("it is there")).expect("JSON");
    assert_eq!((&request["Handler"], &request["MemorySize"]), (&json!("authorise"), &json!(256)));
    assert_eq!(request["Role"], "arn:aws:iam::111122223333:role/fleetwright-prod-authorise");
    let (exit, _, err) = function(directory.path(), &["ready", "perceive"]);
    assert!(exit == 2 && err.contains("prepare, turn, gate"), "{err}");
}
