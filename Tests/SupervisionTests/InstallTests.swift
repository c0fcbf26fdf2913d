import Foundation
import Testing

/// `launch/install` with a stand-in for `swift build`, and the program that the tests have.
@Suite(.serialized) struct InstallTests {
  private let scripts: ScriptFolder

  init() throws {
    scripts = try ScriptFolder()
    let built = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    try scripts.write(
      "swift",
      """
      echo "$@" >>'\(scripts.path("builds"))'
      case "$*" in *--show-bin-path*) echo '\(built.path)' ;; esac
      """)
    for name in ["mpirun", "ip"] { try scripts.write(name, "") }
    try scripts.write("pkg-config", "echo 4.1.4")
    scripts.environment["HOME"] = scripts.path("home")
  }

  private func files(_ folder: String) -> [String] {
    let names = FileManager.default.enumerator(atPath: scripts.path(folder))?.allObjects ?? []
    return names.compactMap { $0 as? String }.filter {
      FileManager.default.fileExists(atPath: scripts.path("\(folder)/\($0)/.")) == false
    }.sorted()
  }

  private func text(_ path: String) -> String {
    let bytes = FileManager.default.contents(atPath: scripts.path(path)) ?? Data()
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func putsProgramCompletionsAndPagesInPlaceAndTakesThemAway() throws {
    let installed = try scripts.run("install", [scripts.path("here")])
    #expect(installed.status == 0, "\(installed.output)")
    #expect(installed.output.contains("is in \(scripts.path("here")): bin/gru-dist"))
    #expect(installed.output.contains("here/bin is not on the PATH"), "\(installed.output)")
    #expect(text("builds").contains("build -c release --product gru-dist"), "\(text("builds"))")
    #if os(Linux)
      #expect(text("builds").contains("--static-swift-stdlib"), "\(text("builds"))")
    #endif
    let all = files("here")
    for name in [
      "bin/gru-dist", "share/bash-completion/completions/gru-dist",
      "share/zsh/site-functions/_gru-dist", "share/fish/vendor_completions.d/gru-dist.fish",
      "share/man/man1/gru-dist.1", "share/man/man1/gru-dist-train.1",
      "share/man/man1/gru-dist-bench-step.1",
    ] {
      #expect(all.contains(name), "\(name) is not among \(all)")
    }
    #expect(!all.contains { $0.hasSuffix(".new") }, "\(all)")
    #expect(text("here/share/zsh/site-functions/_gru-dist").hasPrefix("#compdef gru-dist"))
    // Again, over what is there, and a page of a command that there is no more.
    try Data().write(
      to: URL(fileURLWithPath: scripts.path("here/share/man/man1/gru-dist-gone.1")))
    #expect(try scripts.run("install", [scripts.path("here")]).status == 0)
    #expect(files("here") == all)
    try Data().write(to: URL(fileURLWithPath: scripts.path("here/bin/other")))
    let removed = try scripts.run("install", ["--remove", scripts.path("here")])
    #expect(removed.status == 0, "\(removed.output)")
    #expect(files("here") == ["bin/other"])
  }

  @Test func placeIsTheHomeOfAUserOrBelowADirectoryOfPackages() throws {
    scripts.environment["DESTDIR"] = scripts.path("package")
    try scripts.write("id", "echo 1000")
    let user = try scripts.run("install", [])
    #expect(user.status == 0, "\(user.output)")
    #expect(files("package").contains { $0.hasSuffix("home/.local/bin/gru-dist") })
    #expect(!user.output.contains("PATH"), "\(user.output)")
    try scripts.write("id", "echo 0")
    #expect(try scripts.run("install", []).status == 0)
    #expect(files("package/usr/local").contains("bin/gru-dist"))
  }

  @Test func anythingElseIsRefused() throws {
    for arguments in [["--nowhere"], ["a", "b"]] {
      let refused = try scripts.run("install", arguments)
      #expect(refused.status == 2, "\(refused.output)")
      #expect(refused.output.contains("launch/install [PREFIX]"), "\(refused.output)")
    }
    #expect(try scripts.run("install", ["--help"]).output.contains("--remove"))
    #expect(!FileManager.default.fileExists(atPath: scripts.path("builds")))
  }
}
