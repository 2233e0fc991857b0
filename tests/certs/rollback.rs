//! Back to an earlier commit: its certificates are deployed again, and nothing is issued.

use super::Bed;
use crate::scenes::Scene;

fn playbook(sans: &str) -> String {
    format!(
        "let home = cert::ca(\"home\");
         let web = cert::issue(\"web\", #{{ ca: home, sans: [{sans}] }});
         cert::present(host.data(\"here\") + \"/tls\", web);
         cert::crl(host.data(\"here\") + \"/list.pem\", home);"
    )
}

/// The project as a repository that was applied and committed with one name.
fn committed() -> (Bed, String) {
    let bed = Bed::shells(&["a"]);
    bed.scene.project.write(".gitignore", "/hosts/\n/.rhapsode/\n");
    bed.playbook(&playbook("\"one.internal\""));
    bed.applied(0);
    let Bed { ada, scene: Scene { project } } = bed;
    let bed = Bed { ada, scene: Scene { project: project.git() } };
    let first = bed.scene.project.commit("one");
    bed.applied(0);
    (bed, first)
}

fn deployed(bed: &Bed) -> [String; 2] {
    ["fullchain.pem", "privkey.pem"].map(|name| bed.scene.project.read(&format!("hosts/a/tls/{name}")))
}

#[test]
fn the_certificate_of_the_commit_is_deployed_again() {
    let (bed, first) = committed();
    let one = deployed(&bed);
    bed.playbook(&playbook("\"one.internal\", \"two.internal\""));
    bed.applied(0);
    bed.scene.project.commit("two");
    let two = deployed(&bed);
    assert_ne!(one, two);
    // What was revoked since stays so.
    bed.ada.cli(&bed.scene.project, ["pki", "revoke", "web"]).any_stderr().any_stdout().success();
    bed.playbook("cert::crl(host.data(\"here\") + \"/list.pem\", \"home\");");
    bed.applied(0);
    bed.scene.project.commit("three");
    let list = bed.scene.project.read("hosts/a/list.pem");

    bed.ada.cli(&bed.scene.project, ["rollback", &first, "--yes"]).any_stderr().any_stdout().success();
    assert_eq!(deployed(&bed), one);
    assert_eq!(bed.scene.project.read("hosts/a/list.pem"), list, "no list of yesterday is published");
    assert_eq!(bed.scene.project.git_says(&["status", "--porcelain"]), "", "nothing was issued");
}

#[test]
fn a_commit_without_its_certificate_takes_that_of_the_project_or_is_refused() {
    let bed = Bed::shells(&["a"]);
    bed.scene.project.write(".gitignore", "/hosts/\n/.rhapsode/\n");
    bed.playbook(&playbook("\"one.internal\""));
    let Bed { ada, scene: Scene { project } } = bed;
    let bed = Bed { ada, scene: Scene { project: project.git() } };
    let first = bed.scene.project.commit("one, not applied yet");
    bed.applied(0);
    let one = deployed(&bed);
    bed.scene.project.commit("what was issued");
    std::fs::remove_dir_all(bed.scene.project.path("hosts/a/tls")).expect("removed");
    bed.ada.cli(&bed.scene.project, ["rollback", &first, "--yes"]).any_stderr().any_stdout().success();
    assert_eq!(deployed(&bed), one);

    bed.playbook(&playbook("\"two.internal\""));
    bed.applied(0);
    bed.scene.project.commit("two");
    let refused = bed.ada.cli(&bed.scene.project, ["rollback", &first, "--yes"]);
    let ran =
        refused.any_stdout().stderr_contains("neither this commit nor the project has the certificate `web`").exit(3);
    assert!(ran.stderr.contains("a rollback issues nothing"), "{}", ran.stderr);
}

#[test]
fn what_was_revoked_since_is_not_deployed_again() {
    let playbook = "let home = cert::ca(\"home\");
         let ca = cert::intermediate(\"home/ca\", #{ ca: home });
         let web = cert::issue(\"home/web\", #{ ca: ca, sans: \"one.internal\" });
         cert::present(host.data(\"here\") + \"/tls\", web);
         cert::present(host.data(\"here\") + \"/named\", \"home/web\");";
    for revoked in ["home/web", "home/ca"] {
        let bed = Bed::shells(&["a"]);
        bed.scene.project.write(".gitignore", "/hosts/\n/.rhapsode/\n");
        bed.playbook(playbook);
        bed.applied(0);
        let Bed { ada, scene: Scene { project } } = bed;
        let bed = Bed { ada, scene: Scene { project: project.git() } };
        let first = bed.scene.project.commit("one");
        bed.applied(0);
        let one = deployed(&bed);
        bed.ada.cli(&bed.scene.project, ["pki", "revoke", revoked]).any_stderr().any_stdout().success();
        bed.applied(0);
        bed.scene.project.commit("two");
        let two = deployed(&bed);
        assert_ne!(one, two, "{revoked}");
        bed.ada.cli(&bed.scene.project, ["rollback", &first, "--yes"]).any_stderr().any_stdout().success();
        assert_eq!(deployed(&bed), two, "{revoked}");
        assert_eq!(bed.scene.project.read("hosts/a/named/fullchain.pem"), two[0]);
        assert_eq!(bed.scene.project.git_says(&["status", "--porcelain"]), "");
    }
}
