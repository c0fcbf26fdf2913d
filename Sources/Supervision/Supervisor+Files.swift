import Checkpoints
import Foundation
import Records

/// Training that goes on: files that arrive in a folder, each passed over once.
extension Supervisor {
  /// Seconds between two looks into the folder.
  private static let lookInterval = 0.2

  /// Gives the run one file after the other until it is asked to stop, or cannot go on.
  ///
  /// Which files were taken the newest checkpoint says, so that none is taken twice or left out,
  /// whatever ends when.
  func passOverFiles(of folder: WatchedFolder) throws -> DaemonState.Phase {
    var folder = folder
    log.say("watches \(folder.path) for files to train on")
    while true {
      if Signals.isStopRequested { return .stopped }
      let passes = try filePasses()
      let found = unfinished(passes) ?? next(in: &folder, passes)
      for remark in folder.takeRemarks() { log.say("--watch: \(remark)") }
      guard let (name, stamp) = found else {
        keepWatching()
        continue
      }
      note(WatchedFile(name: name, stamp: stamp))
      let end = try passOver("\(folder.path)/\(name)")
      if end == .badConfig {
        let words = output.tail()
        if try fileUnderWay() != nil {
          surrender = whyRefused(try filePasses(), in: folder, words)
          return .gaveUp
        }
        // Where the run itself is refused, no file is at fault. A job that could not say so is
        // started again without one.
        if !isFileRefused {
          let run = try supervise(nil)
          if run != .done { return run }
        }
        let reason = Self.reason(words)
        log.say("file '\(name)' is left out until it is another: \(reason)")
        note(WatchedFile(name: name, stamp: stamp, refusal: reason))
        continue
      }
      if end != .done { return end }
      guard try isPassedOver(name) else {
        surrender = "the job says that it is done, and no checkpoint says so of '\(name)'"
        return .gaveUp
      }
      log.say("file '\(name)' is passed over, at step \(checkpointStep)")
    }
  }

  /// What a pass over a file that the run takes ends with.
  private func passOver(_ path: String) throws -> DaemonState.Phase {
    log.say("takes file '\(path)'")
    return try supervise(path)
  }

  /// The file of the watched folder whose pass is begun and not ended; nil for none.
  func fileUnderWay() throws -> String? {
    guard let folder = options.watched, let last = try filePasses().last,
      checkpointStep < last.lastStep
    else { return nil }
    return "\(folder.path)/\(last.name)"
  }

  /// Why a file cannot be passed over whose pass is under way; nil where it is there.
  func whyMissing(_ path: String) -> String? {
    guard FileStatus(path) == nil, let last = (try? filePasses())?.last,
      checkpointStep < last.lastStep
    else { return nil }
    return "\(whereItIs(last)), and there is no '\(path)' any more; put that file back, unchanged"
  }

  /// Why the job refuses to go on with the pass under way.
  func whyRefused(_ passes: [FilePass], in folder: WatchedFolder, _ words: String) -> String {
    guard let last = passes.last else { return Self.reason(words) }
    return "\(whereItIs(last)), and the job refuses '\(folder.path)/\(last.name)' as it is now; "
      + "put that file back, unchanged: \(Self.reason(words))"
  }

  private func whereItIs(_ pass: FilePass) -> String {
    "the run is at step \(checkpointStep) of its pass over '\(pass.name)', which ends at step "
      + "\(pass.lastStep)"
  }

  /// The line of a job's last words that says why it ended.
  private static func reason(_ words: String) -> String {
    let lines = words.split(separator: "\n").map(String.init)
    return lines.last { $0.contains("gru-dist: ") } ?? "it was refused"
  }

  func filePasses() throws -> [FilePass] {
    try CheckpointStore(directory: "\(options.runDirectory)/\(RunFiles.checkpoints)")
      .newestState()?.filePasses ?? []
  }

  private func isPassedOver(_ name: String) throws -> Bool {
    try filePasses().contains { $0.name == name && $0.lastStep <= checkpointStep }
  }

  /// The file whose pass the run has begun, and not ended.
  private func unfinished(
    _ passes: [FilePass]
  ) -> (name: String, stamp: WatchedFolder.Stamp)? {
    guard let last = passes.last, checkpointStep < last.lastStep else { return nil }
    let known = state.files.last { $0.name == last.name }
    return (last.name, known?.stamp ?? WatchedFolder.Stamp(size: 0, changed: 0))
  }

  /// The next file that is complete and was not taken; says once where one that was is another now.
  private func next(
    in folder: inout WatchedFolder, _ passes: [FilePass]
  ) -> (name: String, stamp: WatchedFolder.Stamp)? {
    let taken = Set(passes.map(\.name))
    return folder.next { name, stamp in
      let known = state.files.last { $0.name == name }
      guard taken.contains(name) else {
        return known?.refusal != nil && known?.stamp == stamp
      }
      if let known, known.stamp != stamp, known.stamp.changed != 0 {
        log.say(
          "file '\(name)' has changed since it was trained on; a file is taken once, by its name: "
            + "give what is new another name")
        note(WatchedFile(name: name, stamp: stamp))
      }
      return true
    }
  }

  private func note(_ file: WatchedFile) {
    state.files.removeAll { $0.name == file.name }
    state.files.append(file)
    keep(state.phase)
  }

  /// Waits a moment; tells now and then that the supervisor lives.
  private func keepWatching() {
    if state.phase != .watching || now - state.updated > 2 { keep(.watching) }
    passedSaves = Signals.saveRequests
    Thread.sleep(forTimeInterval: Self.lookInterval)
  }
}
