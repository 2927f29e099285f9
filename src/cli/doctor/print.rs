//! What was found, for people and for programs.

use serde_json::{Value, json};

use super::worst;
use crate::issuer::probe::{Diagnosis, Finding, Severity};

/// For people: a paragraph for each issuer, and the verdict at the end.
pub(super) fn text(diagnoses: &[Diagnosis]) -> String {
    let paragraphs: Vec<String> = diagnoses.iter().map(about).collect();
    format!("{}\n{}\n", paragraphs.join("\n"), verdict(diagnoses))
}

fn about(diagnosis: &Diagnosis) -> String {
    let lines: Vec<String> = diagnosis.findings.iter().map(paragraph).collect();
    format!("{} ({})\n{}", diagnosis.name, printable(&diagnosis.issuer), lines.concat())
}

fn paragraph(finding: &Finding) -> String {
    let (code, change) = (finding.code, finding.code.change());
    let severity = code.severity().as_str().replace('_', " ");
    let line = format!("  {severity:<11}  {}: {}\n", code.as_str(), printable(&finding.message));
    if change.is_empty() { line } else { format!("{line}{:15}{change}\n", "") }
}

fn verdict(diagnoses: &[Diagnosis]) -> String {
    let of = |severity| {
        let findings = diagnoses.iter().flat_map(|diagnosis| &diagnosis.findings);
        findings.filter(|finding| finding.code.severity() == severity).count()
    };
    let (problems, unknown, warnings) =
        (of(Severity::Problem), of(Severity::CannotTell), of(Severity::Warning));
    let counts = format!("problems: {problems}, cannot tell: {unknown}, warnings: {warnings}");
    match worst(diagnoses) {
        Severity::Problem => format!("something is wrong ({counts})"),
        Severity::CannotTell => format!("cannot tell ({counts})"),
        Severity::Warning => format!("healthy ({counts})"),
        Severity::Ok => "healthy".to_owned(),
    }
}

/// For programs: one object on one line (docs/doctor.md).
pub(super) fn json(diagnoses: &[Diagnosis]) -> String {
    let issuers: Vec<Value> = diagnoses.iter().map(issuer).collect();
    format!("{}\n", json!({ "outcome": outcome(worst(diagnoses)), "issuers": issuers }))
}

fn issuer(diagnosis: &Diagnosis) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "code": finding.code.as_str(),
            "severity": finding.code.severity().as_str(),
            "message": finding.message,
            "change": finding.code.change(),
        })
    };
    json!({
        "name": diagnosis.name,
        "issuer": diagnosis.issuer,
        "outcome": outcome(diagnosis.severity()),
        "findings": diagnosis.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn outcome(severity: Severity) -> &'static str {
    match severity {
        Severity::Ok | Severity::Warning => "healthy",
        Severity::CannotTell => "cannot_tell",
        Severity::Problem => "problem",
    }
}

/// A path and the operator's own text may hold anything, too.
fn printable(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() { char.escape_default().to_string() } else { char.into() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer::probe::Code;

    fn diagnosis(codes: &[Code]) -> Diagnosis {
        let finding =
            |code: &Code| Finding { code: *code, message: format!("seen\u{1b}[2J {}", code.as_str()) };
        Diagnosis {
            name: "idp".into(),
            issuer: "https://idp.example".into(),
            findings: codes.iter().map(finding).collect(),
        }
    }

    #[test]
    fn the_verdict_is_the_worst_of_all() {
        for (codes, verdict, outcome, exit) in [
            (&[Code::Keys][..], "healthy", "healthy", 0),
            (&[Code::ClockUnknown], "healthy (problems: 0, cannot tell: 0, warnings: 1)", "healthy", 0),
            (
                &[Code::ClockUnknown, Code::KeysUnreachable],
                "cannot tell (problems: 0, cannot tell: 1, warnings: 1)",
                "cannot_tell",
                3,
            ),
            (
                &[Code::KeysUnreachable, Code::IssuerDiffers],
                "something is wrong (problems: 1, cannot tell: 1, warnings: 0)",
                "problem",
                1,
            ),
        ] {
            let diagnoses = [diagnosis(&[Code::Keys]), diagnosis(codes)];
            assert_eq!(text(&diagnoses).lines().last(), Some(verdict));
            let value: Value = serde_json::from_str(&json(&diagnoses)).unwrap();
            assert_eq!(
                (&value["outcome"], &value["issuers"][0]["outcome"]),
                (&json!(outcome), &json!("healthy"))
            );
            assert_eq!(super::super::code(worst(&diagnoses)), exit);
        }
    }

    #[test]
    fn people_see_one_line_for_what_is_and_one_for_what_to_change() {
        let shown = text(&[diagnosis(&[Code::Keys, Code::KeysUnreachable])]);
        let change = Code::KeysUnreachable.change();
        let expected = format!(
            "idp (https://idp.example)\n  ok           keys: seen\\u{{1b}}[2J keys\n  cannot tell  keys_unreachable: \
             seen\\u{{1b}}[2J keys_unreachable\n               {change}\n\ncannot tell (problems: 0, cannot tell: \
             1, warnings: 0)\n"
        );
        assert_eq!(shown, expected);
    }

    #[test]
    fn programs_get_the_documented_shape() {
        let value: Value = serde_json::from_str(&json(&[diagnosis(&[Code::ClockUnknown])])).unwrap();
        let finding = json!({
            "code": "clock_unknown",
            "severity": "warning",
            "message": "seen\u{1b}[2J clock_unknown",
            "change": Code::ClockUnknown.change(),
        });
        let issuer = json!({
            "name": "idp",
            "issuer": "https://idp.example",
            "outcome": "healthy",
            "findings": [finding],
        });
        assert_eq!(value, json!({ "outcome": "healthy", "issuers": [issuer] }));
    }
}
