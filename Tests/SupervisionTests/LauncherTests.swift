import Foundation
import Records
import Testing

/// The scripts of `launch`, with stand-ins for what they call.
@Suite struct LauncherTests {
  private let folder: URL
  private static let launch = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("launch")

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("launchers-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private func write(_ name: String, _ script: String) throws {
    let path = folder.appendingPathComponent(name).path
    try Data("#!/bin/bash\n\(script)\n".utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  /// Runs a script to its end; `meanwhile` gets its process once `marker` exists.
  private func run(
    _ script: String, _ arguments: [String], marker: String? = nil,
    meanwhile: (Process) -> Void = { _ in }
  ) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    let copy = folder.appendingPathComponent("launch/\(script)").path
    let original = Self.launch.appendingPathComponent(script).path
    process.arguments =
      [FileManager.default.fileExists(atPath: copy) ? copy : original] + arguments
    process.environment = [
      "PATH": "\(folder.path):/usr/bin:/bin", "SLURM_JOB_ID": "42", "SLURM_CPUS_PER_TASK": "4",
      "MARKER": folder.appendingPathComponent("marker").path,
    ]
    let path = folder.appendingPathComponent("output").path
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    let output = try #require(FileHandle(forWritingAtPath: path))
    process.standardOutput = output
    process.standardError = output
    // Threads of the test runner block signals, and what they start would go on doing so.
    var none = sigset_t()
    var before = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try process.run()
    if let marker {
      let file = folder.appendingPathComponent(marker).path
      let end = ContinuousClock.now + .seconds(30)
      while !FileManager.default.fileExists(atPath: file), ContinuousClock.now < end {
        usleep(5_000)
      }
      meanwhile(process)
    }
    process.waitUntilExit()
    let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    return (process.terminationStatus, text)
  }

  @Test func slurmJobIsRequeuedAfterTheTimeLimitSignal() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write("scontrol", #"echo "scontrol $*""#)
    // The ranks stop after a checkpoint.
    try write(
      "srun",
      #"echo "srun $*"; trap 'sleep 0.2; exit 75' USR2; touch "$MARKER"; "#
        + "while :; do sleep 0.05; done")
    let job = try run("slurm.sbatch", ["c.json", "--set", "a=b"], marker: "marker") {
      kill($0.processIdentifier, SIGUSR2)
    }
    #expect(job.status == 0, "\(job.output)")
    #expect(job.output.contains("gru-dist c.json --resume --threads 4 --set a=b"), "\(job.output)")
    #expect(job.output.contains("scontrol requeue 42"), "\(job.output)")
  }

  @Test func finishedSlurmJobIsNotRequeued() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write("scontrol", #"echo "scontrol $*""#)
    for status in [0, 1, 2] as [Int32] {
      try write("srun", "exit \(status)")
      let job = try run("slurm.sbatch", ["c.json"])
      #expect(job.status == status, "\(job.output)")
      #expect(!job.output.contains("scontrol"), "\(job.output)")
    }
    let wrong = try run("slurm.sbatch", [])
    #expect(wrong.status != 0)
    #expect(wrong.output.contains("usage: sbatch launch/slurm.sbatch CONFIG"), "\(wrong.output)")
  }

  @Test func laboratoryRejectsImpossibleSetups() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    for (arguments, words) in [
      (["--hosts", "1", "true"], "--hosts: expected 2 to 64, found 1"),
      (["--bandwidth", "5", "true"], "--bandwidth: expected a rate such as 100mbit or 1gbit"),
      (["--delay", "soon", "true"], "--delay: expected a time such as 0.2ms or 50us"),
      (["--frob", "true"], "unknown option --frob"), (["--hosts"], "--hosts needs a value"),
      (["--hosts", "2"], "expected a command to run"),
    ] {
      let lab = try run("lab", arguments)
      #expect(lab.status == 2, "\(lab.output)")
      #expect(lab.output.contains(words), "\(lab.output)")
    }
  }

  /// Puts `launch/run` beside stand-ins: a program that has the values of a config, and a launcher.
  private func prepareRun(task: String, values: [String: String]) throws {
    for name in ["launch", "bin"] {
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent(name), withIntermediateDirectories: true)
    }
    try FileManager.default.copyItem(
      at: Self.launch.appendingPathComponent("run"),
      to: folder.appendingPathComponent("launch/run"))
    for name in ["packages", "corpus", "digits"] {
      try write("launch/\(name)", "echo fetches \(name)")
    }
    try write("launch/env", "")
    try write("swift", #"case "$*" in *show-bin-path*) echo "\#(folder.path)/bin" ;; esac"#)
    try write("mpirun", #"shift; echo "ranks $1"; shift; exec "$@""#)
    try write("lscpu", "")
    let cases = values.merging(["task": task]) { $1 }
      .map { "*'--key \($0.key)') echo '\($0.value)' ;;" }.joined(separator: "\n")
    try write(
      "bin/gru-dist",
      """
      case "$*" in
      \(cases)
      *--key*) exit 2 ;;
      *--cores) echo 16 ;;
      evaluate* | sample*) echo "$@"; exit 1 ;;
      *) echo "$@" ;;
      esac
      """)
  }

  @Test func classifierIsMeasuredAndNotSampledInItsOwnDirectory() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try prepareRun(
      task: "classification",
      values: [
        "run.directory": "runs/here", "batch.shards": "4", "data.train": "c.csv",
        "data.valid_fraction": "0.2",
      ])
    let job = try run("run", ["c.json", "--threads", "2"])
    #expect(job.status == 0, "\(job.output)")
    #expect(job.output.contains("ranks 2\ntrain c.json --threads 2 --resume"), "\(job.output)")
    #expect(job.output.contains("evaluate runs/here"), "\(job.output)")
    #expect(!job.output.contains("sample"), "\(job.output)")
    #expect(!job.output.contains("fetches corpus"), "\(job.output)")
  }

  @Test func languageModelWithoutValidationIsSampledOnly() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try prepareRun(
      task: "language",
      values: [
        "run.directory": "r", "batch.shards": "8", "data.train": "data/jargon.txt",
        "data.valid": "null", "data.valid_fraction": "0",
      ])
    let job = try run("run", ["--overwrite"])
    #expect(job.status == 0, "\(job.output)")
    #expect(job.output.contains("ranks 8\ntrain configs/lm.json --overwrite"), "\(job.output)")
    #expect(job.output.contains("fetches corpus"), "\(job.output)")
    #expect(!job.output.contains("evaluate"), "\(job.output)")
    #expect(job.output.contains("sample r --length"), "\(job.output)")
    let alone = try run("run", ["--debug"])
    #expect(!alone.output.contains("ranks"), "\(alone.output)")
  }
}
