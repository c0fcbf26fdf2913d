import Foundation
import Records
import Testing

/// `run.epochs`: as many steps as passes over the data take.
@Suite(.serialized) struct RunLengthTests {
  private let place: Workplace
  private static let batch = ["--set", "batch.window=64", "--threads", "1"]

  init() throws { place = try Workplace() }

  private func run(_ arguments: String...) throws -> Program {
    try Program(arguments + Self.batch, in: place.folder)
  }

  private func checked(_ arguments: String...) throws -> OrderedJSON {
    let check = try Program(
      ["check", "config.json", "--json"] + arguments + Self.batch, in: place.folder)
    try #require(check.status == 0, "\(check)")
    return try OrderedJSON(parsing: try #require(check.lines.first))
  }

  private func effective(_ directory: String = "run") -> OrderedJSON? {
    RunFiles.read(place.path("\(directory)/config.json"))?["run"]
  }

  @Test func passesAreAsManyStepsAsTheyTake() throws {
    let perEpoch = try #require(checked()["steps_per_epoch"]?.integerValue)
    #expect(perEpoch > 10)
    let steps = (3 * perEpoch + 1) / 2
    let record = try checked("--epochs", "1.5")
    #expect(record["config"]?["run"]?["steps"] == .integer(steps))
    let job = try run("config.json", "--epochs", "1.5")
    #expect(job.status == 0 && job.output.contains("step \(steps)/\(steps)"), "\(job)")
    #expect(effective()?["steps"] == .integer(steps))
    #expect(effective()?["epochs"] == .number(1.5))
    // The same run as of so many steps.
    let plain = try run("config.json", "--steps", "\(steps)", "--run-directory", "plain")
    #expect(plain.status == 0, "\(plain)")
    #expect(try place.trajectory() == place.trajectory("plain"))
    // Two ranks, and updates of several batches.
    let two = try Program(
      ["config.json", "--epochs", "1.5", "--run-directory", "two"] + Self.batch, ranks: 2,
      in: place.folder)
    #expect(try two.status == 0 && place.trajectory("two") == place.trajectory(), "\(two)")
    let accumulated = try checked("--epochs", "1", "--set", "batch.accumulate=3")
    #expect(accumulated["config"]?["run"]?["steps"] == .integer((perEpoch + 2) / 3))
  }

  @Test func resumedRunsMayMakeMorePasses() throws {
    let perEpoch = try #require(checked()["steps_per_epoch"]?.integerValue)
    #expect(try run("config.json", "--epochs", "1", "--stop-after", "5").status == 75)
    let config = "run/config.json"
    let unfinished = try place.run("check", config, "--finished")
    #expect(unfinished.status == 3, "\(unfinished)")
    // The config of the run goes on with it.
    let rest = try place.run(config, "--resume", "--threads", "1")
    #expect(rest.status == 0 && rest.output.contains("\(perEpoch)/\(perEpoch)"), "\(rest)")
    for options in [[config], ["config.json", "--epochs", "1"]] {
      let finished = try Program(["check", "--finished"] + options, in: place.folder)
      #expect(finished.status == 0, "\(finished)")
    }
    // Another number of passes, of which nobody knows yet how many steps they are.
    let more = try place.run("check", "config.json", "--epochs", "2", "--finished")
    #expect(more.status == 3 && more.output.contains("run.epochs"), "\(more)")
    let second = try run("config.json", "--epochs", "2", "--resume")
    #expect(second.status == 0 && second.output.contains("/\(2 * perEpoch)"), "\(second)")
    // Steps on the command line go before passes of the file.
    let third = try place.run(config, "--resume", "--steps", "\(2 * perEpoch + 3)")
    #expect(third.status == 0, "\(third)")
    #expect(effective()?["epochs"] == .null)
    #expect(effective()?["steps"] == .integer(2 * perEpoch + 3))
  }

  @Test func lengthsThatCannotBeAreRefused() throws {
    try place.write(
      "adding.json",
      #"{"task": "adding", "batch": {"window": 16}, "run": {"directory": "adding"}}"#)
    for (arguments, words) in [
      (["config.json", "--epochs", "2", "--steps", "3"], "give one of them"),
      (["config.json", "--epochs", "0"], "--epochs: expected a number above 0"),
      (["config.json", "--set", "run.epochs=-1"], "run.epochs: expected a number above 0"),
      (["config.json", "--epochs", "1e9"], "lower it"),
      (["check", "config.json", "--epochs", "2", "--key", "run.steps"], "once the data are read"),
      (["adding.json", "--epochs", "2"], "makes them without end; set run.steps"),
    ] {
      let job = try Program(arguments, in: place.folder)
      #expect(job.status == 2 && job.complaints.count == 1, "\(job)")
      #expect(job.errors.contains(words), "\(job)")
    }
    #expect(!place.exists("run"))
  }

  @Test func daemonMakesThePasses() throws {
    let perEpoch = try #require(checked()["steps_per_epoch"]?.integerValue)
    let job = try run("daemon", "--np", "1", "config.json", "--epochs", "1")
    #expect(job.status == 0, "\(job)")
    #expect(effective()?["steps"] == .integer(perEpoch))
    #expect(try place.names(in: "run/checkpoints").contains { $0.hasSuffix("\(perEpoch)") })
  }
}
