import Foundation
import Records

/// What starts the ranks, beside the MPI library of this program: whether they suit each other,
/// whether the launcher will do what is asked of it, and whether ranks do start.
package struct LauncherCheckup: Sendable {
  /// What the program was built with, in its headers' words.
  package var built: String
  /// What it runs with, in the library's words.
  package var library: String
  package var environment = ProcessInfo.processInfo.environment
  /// The launcher's name or path.
  package var launcher = "mpirun"
  package var isRoot = geteuid() == 0

  package init(built: String, library: String) {
    self.built = built
    self.library = library
  }

  private var libraryVersion: MPIVersion { MPIVersion(library) }

  /// The library, the launcher and its settings.
  package func findings() -> [Finding] {
    let built = MPIVersion(built)
    let mismatch = libraryVersion.problem(builtWith: built)
    let first = library.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    var found = [
      Finding(
        "mpi_library",
        "runs with \(first.split(separator: ",").first ?? "?"), built with \(self.built)",
        values: [
          "library": .string(first), "version": libraryVersion.number.map { .string($0) } ?? .null,
          "built_with": .string(self.built),
        ],
        problem: mismatch,
        remedy: mismatch == nil
          ? nil : "put the library that it was built with first in LD_LIBRARY_PATH, or build again")
    ]
    guard let answer = CommandAnswer([launcher, "--version"], environment, seconds: 20),
      answer.status == 0
    else {
      found.append(
        Finding(
          "launcher", "\(launcher) --version does not answer",
          problem: "without a launcher there is a single rank",
          remedy: "launch/packages, or put the mpirun of \(libraryVersion) on the PATH"))
      return found
    }
    let version = MPIVersion(answer.text)
    let disagreement = version.problem(startingRanksOf: libraryVersion)
    found.append(
      Finding(
        "launcher", "\(launcher) of \(version)",
        values: ["version": version.number.map { .string($0) } ?? .null],
        problem: disagreement,
        remedy: disagreement.map { _ in "put the mpirun of \(libraryVersion) first in the PATH" }))
    if let settings = settings(of: version) { found.append(settings) }
    return found
  }

  /// What `launch/env` sets, in the names that the launcher reads; nil where it reads none.
  package func settings(of launcher: MPIVersion) -> Finding? {
    guard launcher.family == .openMPI else { return nil }
    let isPRRTE = launcher.major >= 5
    let mapping =
      isPRRTE ? "PRTE_MCA_rmaps_default_mapping_policy" : "OMPI_MCA_rmaps_base_oversubscribe"
    let binding =
      isPRRTE ? "PRTE_MCA_hwloc_default_binding_policy" : "OMPI_MCA_hwloc_base_binding_policy"
    let root = isPRRTE ? "PRTE_ALLOW_RUN_AS_ROOT" : "OMPI_ALLOW_RUN_AS_ROOT"
    let value = environment[mapping] ?? ""
    let oversubscribes = isPRRTE ? value.contains("oversubscribe") : ["1", "true"].contains(value)
    let isUnbound = environment[binding] == "none"
    let allowsRoot = [root, "\(root)_CONFIRM"].allSatisfy { environment[$0] == "1" }
    var problems: [String] = []
    if isRoot, !allowsRoot { problems.append("mpirun refuses to start as root") }
    if !oversubscribes { problems.append("mpirun refuses more ranks than cores") }
    if !isUnbound {
      problems.append("mpirun binds ranks to single cores, which all threads of a rank share")
    }
    return Finding(
      "launcher_settings",
      problems.isEmpty
        ? "more ranks than cores, not bound to cores" + (isRoot ? ", as root" : "")
        : "those of launch/env are missing",
      values: [
        "oversubscribe": .bool(oversubscribes), "unbound": .bool(isUnbound),
        "root_allowed": isRoot ? .bool(allowsRoot) : .null,
      ],
      problem: problems.isEmpty ? nil : problems.joined(separator: "; "),
      remedy: problems.isEmpty ? nil : ". launch/env")
  }

  /// Starts ranks of a program, which print findings as JSON lines, as `doctor` does in a job.
  ///
  /// - Parameter arguments: of the program.
  package func start(
    ranks: Int, program: String, arguments: [String], seconds: Double = 60
  ) -> [Finding] {
    let words = MPIVersion(library).family.launcher(
      hasHostfile: false, exported: RunFiles.launchVariable
    ).map { $0.replacing("{np}", with: "\(ranks)") }
    let command = [launcher] + words.dropFirst() + [program] + arguments
    var environment = environment
    environment[RunFiles.launchVariable] = environment[RunFiles.launchVariable] ?? "doctor"
    let shown = "\(launcher) -np \(ranks)"
    guard let answer = CommandAnswer(command, environment, seconds: seconds) else {
      return [Finding("start", "\(shown) cannot be started", problem: "no job starts")]
    }
    let findings = answer.text.split(whereSeparator: \.isNewline)
      .compactMap { (try? OrderedJSON(parsing: String($0))).flatMap(Finding.init) }
    if !findings.isEmpty { return findings }
    let tail = answer.text.split(whereSeparator: \.isNewline).suffix(20).joined(separator: "\n")
    let end = answer.status.map { "ended with status \($0)" } ?? "had not ended in time"
    return [
      Finding(
        "start", "\(shown) \(end)", problem: "ranks do not start; its last words: \(tail)")
    ]
  }
}

/// What a command printed, on either output, and how it ended.
struct CommandAnswer {
  /// Nil where it took too long, and was ended, or died of a signal.
  let status: Int32?
  let text: String

  /// Nil where it cannot be started.
  init?(_ command: [String], _ environment: [String: String], seconds: Double) {
    let folder = FileManager.default.temporaryDirectory
    let file = folder.appendingPathComponent("gru-dist-answer-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    guard let pid = try? Spawn.start(command, environment: environment, output: file) else {
      return nil
    }
    let end = ContinuousClock.now + .seconds(seconds)
    var code: Int32 = 0
    var isLate = false
    while true {
      let result = unsafe waitpid(pid, &code, WNOHANG)
      if result == pid || (result < 0 && errno != EINTR) { break }
      if ContinuousClock.now > end {
        isLate = true
        kill(-pid, SIGKILL)
        unsafe waitpid(pid, &code, 0)
        break
      }
      usleep(10_000)
    }
    status = isLate || code & 0x7f != 0 ? nil : (code >> 8) & 0xff
    text = String(
      decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
  }
}
