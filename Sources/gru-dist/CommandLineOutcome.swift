import ArgumentParser
import Collectives
import Engine
import Records

/// What came of a rank's command line, before the ranks know of each other.
struct CommandLineOutcome {
  /// The command to run; nil where there is none, or it is done already.
  let command: (any RankedCommand)?
  /// What is wrong with the command line, or the help that it asked for.
  private let error: (any Error)?

  /// Parses the arguments of this process.
  init() {
    let outcome = Result {
      let words = try CommandLineWords.read()
      try CommandSuggestion.check(words)
      var command = try GRUDist.parseAsRoot(words)
      if !(command is any RankedCommand) { try command.run() }
      return command as? any RankedCommand
    }
    switch outcome {
    case .success(let command): (self.command, error) = (command, nil)
    case .failure(let error): (command, self.error) = (nil, error)
    }
  }

  private var isFine: Bool { error.map { GRUDist.exitCode(for: $0).isSuccess } ?? true }

  /// The exit status where there is no command to run.
  var status: Int32 { isFine ? ExitStatus.done : ExitStatus.badUsage }

  private var name: String { command.map { "\(type(of: $0))" } ?? (isFine ? "help" : "") }

  /// The command, once it is known that all ranks run the same one of the same program; nil where
  /// there is nothing to run on any of them, and then rank 0 has said why.
  ///
  /// - Throws: on every rank alike, naming those that differ.
  func agreed(on communicator: any Communicator) throws -> (any RankedCommand)? {
    let all = try communicator.allGather(RankIntroduction(command: name).words)
      .map(RankIntroduction.init)
    try Self.requireOneProgram(all)
    if all.allSatisfy({ $0.command == all[0].command }) {
      if let error { try communicator.coordinate { try explain(error) } }
      return command
    }
    // The rank that was refused has the words for it.
    try communicator.agree {
      if let error, !isFine { throw UsageError(GRUDist.fullMessage(for: error)) }
    }
    let other = all.firstIndex { $0.command != all[0].command } ?? 0
    throw AgreedError(
      description: "rank \(other) was started for another command than rank 0 "
        + "(\(all[other].command), \(all[0].command)); start all ranks with the same arguments",
      exitStatus: ExitStatus.badUsage)
  }

  private static func requireOneProgram(_ all: [RankIntroduction]) throws {
    guard let other = all.firstIndex(where: { $0.version != all[0].version }) else { return }
    throw AgreedError(
      description: "rank \(other) runs version \(all[other].version) of this program and rank 0 "
        + "version \(all[0].version); give every host the same program",
      exitStatus: ExitStatus.badUsage)
  }

  /// Prints help, or what is wrong with the command line; once, since all ranks find the same.
  private func explain(_ error: any Error) throws {
    let text = GRUDist.fullMessage(for: error)
    guard isFine else { return Console.complain(text) }
    let console = Console(isJSON: false, isCoordinator: true)
    console.say(GRUDist.readable(text))
    try console.requireWritten()
  }
}

/// The first words between the ranks of a job. Their form never changes, so that ranks of different
/// versions find out that they are.
private struct RankIntroduction {
  let version: String
  let command: String

  private static let fieldBytes = 64

  init(command: String) {
    version = programVersion
    self.command = command
  }

  init(_ words: [UInt8]) {
    func text(_ field: ArraySlice<UInt8>) -> String {
      String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }
    version = text(words.prefix(Self.fieldBytes))
    command = text(words.dropFirst(Self.fieldBytes))
  }

  /// Two fields, each filled up with zeros.
  var words: [UInt8] {
    [version, command].flatMap { text in
      let bytes = Array(text.utf8.prefix(Self.fieldBytes))
      return bytes + [UInt8](repeating: 0, count: Self.fieldBytes - bytes.count)
    }
  }
}
