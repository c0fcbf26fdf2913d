import Foundation
import Records
import Testing

/// The scripts of `launch`, with stand-ins for what they call.
@Suite struct LauncherTests {
  private let scripts: ScriptFolder

  init() throws { scripts = try ScriptFolder() }

  @Test func laboratoryRejectsImpossibleSetups() throws {
    for (arguments, words) in [
      (["--hosts", "1", "true"], "--hosts: expected 2 to 64, found 1"),
      (["--bandwidth", "5", "true"], "--bandwidth: expected a rate such as 100mbit or 1gbit"),
      (["--delay", "soon", "true"], "--delay: expected a time such as 0.2ms or 50us"),
      (["--frob", "true"], "unknown option --frob"), (["--hosts"], "--hosts needs a value"),
      (["--hosts", "2"], "expected a command to run"),
    ] {
      let lab = try scripts.run("lab", arguments)
      #expect(lab.status == 2, "\(lab.output)")
      #expect(lab.output.contains(words), "\(lab.output)")
    }
  }

  /// Puts `launch/run` beside stand-ins: a program that has the values of a config, and a launcher.
  private func prepareRun(task: String, values: [String: String]) throws {
    for name in ["launch", "bin"] {
      try FileManager.default.createDirectory(
        at: scripts.folder.appendingPathComponent(name), withIntermediateDirectories: true)
    }
    try FileManager.default.copyItem(
      at: ScriptFolder.launch.appendingPathComponent("run"),
      to: scripts.folder.appendingPathComponent("launch/run"))
    for name in ["packages", "corpus", "digits"] {
      try scripts.write("launch/\(name)", "echo fetches \(name)")
    }
    try scripts.write("launch/env", "")
    try scripts.write(
      "swift",
      #"""
      case "$*" in
      *show-bin-path*) echo "\#(scripts.path("bin"))" ;;
      *) echo "builds in $TMPDIR" ;;
      esac
      """#)
    try scripts.write("mpirun", #"shift; echo "ranks $1"; shift; exec "$@""#)
    try scripts.write("lscpu", "")
    let cases = values.merging(["task": task]) { $1 }
      .map { "*'--key \($0.key)') echo '\($0.value)' ;;" }.joined(separator: "\n")
    try scripts.write(
      "bin/gru-dist",
      """
      case "$*" in
      \(cases)
      *--key*) exit 2 ;;
      *--cores) echo 16 ;;
      *--useful-threads) echo 5 ;;
      evaluate* | sample*) echo "$@"; exit 1 ;;
      *) echo "$@" ;;
      esac
      """)
  }

  @Test func classifierIsMeasuredAndNotSampledInItsOwnDirectory() throws {
    try prepareRun(
      task: "classification",
      values: [
        "run.directory": "runs/here", "batch.shards": "4", "data.train": "c.csv",
        "data.valid_fraction": "0.2",
      ])
    let job = try scripts.run("run", ["c.json", "--threads", "2"])
    #expect(job.status == 0, "\(job.output)")
    #expect(job.output.contains("ranks 4\ntrain c.json --threads 2 --resume"), "\(job.output)")
    #expect(job.output.contains("evaluate runs/here"), "\(job.output)")
    #expect(!job.output.contains("sample"), "\(job.output)")
    #expect(!job.output.contains("fetches corpus"), "\(job.output)")
  }

  @Test func languageModelWithoutValidationIsSampledOnly() throws {
    try prepareRun(
      task: "language",
      values: [
        "run.directory": "r", "batch.shards": "2", "data.train": "data/jargon.txt",
        "data.valid": "null", "data.valid_fraction": "0",
      ])
    let job = try scripts.run("run", ["--overwrite"])
    #expect(job.status == 0, "\(job.output)")
    // Of 16 cores 8 for each rank, of which 5 are of use.
    #expect(
      job.output.contains("ranks 2\ntrain configs/lm.json --overwrite --threads 5\n"),
      "\(job.output)")
    #expect(job.output.contains("fetches corpus"), "\(job.output)")
    #expect(!job.output.contains("evaluate"), "\(job.output)")
    #expect(job.output.contains("sample r --length"), "\(job.output)")
    let alone = try scripts.run("run", ["--debug"])
    #expect(!alone.output.contains("ranks"), "\(alone.output)")
  }

  /// Swift's compiler dies of other letters in its path.
  @Test(arguments: [("a blank", true), ("kurz ö", false)])
  func compilerGetsATemporaryFolderWithAPlainPath(_ name: String, _ isPlain: Bool) throws {
    try prepareRun(
      task: "language",
      values: ["run.directory": "r", "batch.shards": "2", "data.train": "own.txt"])
    let folder = scripts.path(name)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    scripts.environment["TMPDIR"] = folder
    scripts.environment["LC_ALL"] = "C.UTF-8"
    let job = try scripts.run("run", ["c.json"])
    #expect(job.status == 0, "\(job.output)")
    #expect(job.output.contains("builds in \(isPlain ? folder : "/tmp")\n"), "\(job.output)")
  }

  /// Open MPI's mpirun dies of a signal that comes while it cleans up.
  @Test(arguments: [
    ("sleep 3; exit 75", 75), ("kill -USR2 $$", 75), ("rm $beat; kill -USR2 $$", 140),
  ])
  func stopIsAskedForUntilRankZeroHasHeardIt(_ end: String, _ status: Int32) throws {
    try prepareRun(
      task: "language",
      values: [
        "run.directory": scripts.folder.path, "batch.shards": "2", "data.train": "own.txt",
      ])
    // What an earlier job left.
    try scripts.write("heartbeat.json", #"  "exit_status": 1,\#n  "stopping": true,"#)
    try scripts.write(
      "mpirun",
      #"""
      if [ "$1" = --version ]; then echo "mpirun (Open MPI) 4.1.4"; exit; fi
      beat=${0%/*}/heartbeat.json
      count=0
      trap 'count=$((count + 1))' USR2
      : >"$MARKER"
      # The first one is dropped.
      while [ $count -lt 2 ]; do sleep 0.05; done
      printf '  "%s": %s,\n' exit_status 75 stopping true >$beat
      trap - USR2
      \#(end)
      """#)
    let job = try scripts.run("run", ["c.json"], marker: "marker") { process in
      kill(process.processIdentifier, SIGTERM)
    }
    #expect(job.status == status, "\(job.output)")
    #expect(job.output.contains("Stopped; the same command") == (status == 75), "\(job.output)")
  }

  /// A launcher beside headers of another version, in the words of either.
  @Test(arguments: [
    ("mpirun (Open MPI) 4.1.8", "4.1.4", true), ("mpirun (Open MPI) 5.0.11", "4.1.4", false),
    ("HYDRA build details:\n    Version: 4.3.2", "4.1.4", false),
  ])
  func packagesComparesTheLauncherWithTheHeaders(
    _ words: String, _ headers: String, _ isEqual: Bool
  ) throws {
    for name in ["swift", "ip"] { try scripts.write(name, "") }
    try scripts.write("mpirun", "echo '\(words)'")
    try scripts.write("pkg-config", #"[ "$1" != --modversion ] || echo \#(headers)"#)
    let packages = try scripts.run("packages", [])
    #expect(packages.status == 0, "\(packages.output)")
    #expect(packages.output.isEmpty == isEqual, "\(packages.output)")
    let said = packages.output.contains("the build takes ompi-c \(headers), and mpirun on the PATH")
    #expect(said != isEqual, "\(packages.output)")
  }

  @Test func packagesTakesTheLibraryThatIsNamed() throws {
    for name in ["swift", "ip"] { try scripts.write(name, "") }
    try scripts.write("mpirun", "echo 'HYDRA build details:'")
    try scripts.write(
      "pkg-config", #"case "$*" in *ompi-c*) exit 1 ;; *version*) echo 4.3.2 ;; esac"#)
    let found = try scripts.run("packages", [])
    #expect(found.status == 0 && found.output.isEmpty, "\(found.output)")
    try scripts.write("pkg-config", "exit 1")
    scripts.environment["GRU_DIST_MPI"] = "impi"
    let missing = try scripts.run("packages", [])
    #expect(missing.status == 1, "\(missing.output)")
    #expect(missing.output.contains("GRU_DIST_MPI names impi"), "\(missing.output)")
  }

  /// Without a toolchain: what the archive offers, and whether that is taken.
  @Test(arguments: [("6.2.3-1+b1", true), ("6.10-1", true), ("6.0.3-2", false), ("(none)", false)])
  func packagesTakesTheArchivesSwiftWhereItIsNewEnough(
    _ version: String, _ isEnough: Bool
  ) throws {
    // No other programs than these, which a toolchain may stand among.
    for name in ["bash", "env", "head", "ln", "sed", "sort", "tr"] {
      let place = try #require(["/usr/bin", "/bin"].first { access("\($0)/\(name)", X_OK) == 0 })
      try FileManager.default.createSymbolicLink(
        atPath: scripts.path(name), withDestinationPath: "\(place)/\(name)")
    }
    scripts.environment["PATH"] = scripts.folder.path
    try scripts.write("id", "echo 0")
    try scripts.write("uname", "echo Linux")
    for name in ["ip", "mpirun", "pkg-config"] { try scripts.write(name, "") }
    // In the words of another locale nothing would be found.
    try scripts.write(
      "apt-cache", #"[ "$LC_ALL" != C ] || printf 'swiftlang:\n  Candidate: %s\n' '\#(version)'"#)
    try scripts.write(
      "apt-get",
      #"echo "apt-get $*"; case "$*" in install*) ln -s "$0" "${0%/*}/swift" ;; esac"#)
    scripts.environment["LC_ALL"] = "de_DE.UTF-8"
    let packages = try scripts.run("packages", [])
    #expect(packages.status == (isEnough ? 0 : 1), "\(packages.output)")
    let takes = packages.output.contains("apt-get install") && packages.output.contains("swiftlang")
    #expect(takes == isEnough, "\(packages.output)")
    if isEnough { return }
    let isSaid = packages.output.contains("expected a Swift 6.2 or newer toolchain.")
    #expect(isSaid, "\(packages.output)")
    let isNamed = packages.output.contains("swiftlang of this system has 6.0.3 only")
    #expect(isNamed == version.hasPrefix("6.0"), "\(packages.output)")
    #expect(!packages.output.contains("apt-get install"), "\(packages.output)")
  }

  /// The unit has no shell that could source `launch/env`.
  @Test func serviceSetsWhatTheEnvironmentOfOneMachineSets() throws {
    let unit = try String(
      contentsOf: ScriptFolder.launch.appendingPathComponent("gru-dist.service"), encoding: .utf8)
    let set = unit.split(separator: "\n").filter { $0.hasPrefix("Environment=") }
      .map { String($0.dropFirst("Environment=".count)) }
    try FileManager.default.createDirectory(
      atPath: scripts.path("launch"), withIntermediateDirectories: true)
    try scripts.write(
      "launch/print", #". "\#(ScriptFolder.launch.path)/env"; env | grep _MCA_"#)
    let printed = try scripts.run("print", []).output.split(separator: "\n").map(String.init)
    #expect(printed.count > 8, "\(printed)")
    #expect(set.sorted() == printed.sorted())
  }
}
