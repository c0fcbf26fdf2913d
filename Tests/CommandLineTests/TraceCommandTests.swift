import Foundation
import Records
import Testing

/// Timelines of runs and benchmarks.
@Suite(.serialized) struct TraceCommandTests {
  @Test(arguments: [(nil, 1), (2, 1), (2, 3), (4, 1)])
  func everyRankAndThreadIsInTheTimeline(ranks: Int?, threads: Int) throws {
    let place = try Workplace()
    let run = try place.run(
      "config.json", "--trace", "trace.json", "--trace-steps", "4-7", "--threads", "\(threads)",
      "--set", "batch.shards=4", "--set", "model.hidden=96", ranks: ranks)
    #expect(run.status == 0, "\(run)")
    let world = ranks ?? 1
    #expect(run.output.contains("trace       trace.json: steps 4-7, "), "\(run)")
    #expect(run.output.contains(", which have one clock") == (world > 1), "\(run)")
    let trace = try TraceEvents(place.path("trace.json"))
    #expect(trace.processes.keys.sorted() == Array(0..<world))
    #expect(trace.processes.allSatisfy { $1.hasPrefix("rank \($0) on ") })
    for rank in 0..<world {
      let names = trace.threads[rank] ?? [:]
      for thread in 0..<threads { #expect(names[thread]?.hasPrefix("thread \(thread)") == true) }
      #expect(names.values.contains("exchange") == (world > 1))
      #expect(trace.steps(rank) == [4, 5, 6, 7])
      let found = Set(trace.lane(rank, 0).map(\.name))
      var wanted: Set = [
        "batch", "forward, layer 0", "backward, layer 0", "output layer", "recurrent products",
        "gates", "output products", "softmax", "weight gradients", "norm", "update",
        "weight packing", "validation", "checkpoint",
      ]
      if world > 1 {
        wanted.formUnion(
          ["waits for gradients", "waits for parameters", "waits for losses and norm"])
      }
      #expect(found.isSuperset(of: wanted), "\(wanted.subtracting(found))")
      let coverage = trace.coverage(rank).sorted()
      #expect(coverage.allSatisfy { $0 <= 1.001 }, "\(coverage)")
      #expect(coverage[coverage.count / 2] > 0.6, "\(coverage)")
    }
    #expect(trace.crossing == nil)
    #expect(trace.events.allSatisfy { 3...7 ~= $0.step })
    let passes = Dictionary(grouping: trace.events.filter { $0.name == "gates" }, by: \.pass)
    #expect(passes["forward"]?.isEmpty == false)
    #expect(passes["backward"]?.isEmpty == false)
    // Nothing lasts longer than the run.
    #expect(trace.events.allSatisfy { $0.end < 120e6 })
    if world > 1 {
      guard case .array(let accuracies) = trace.about["clock_accuracy_us"] else {
        Issue.record("no accuracy: \(trace.about.line)")
        return
      }
      #expect(accuracies.count == world)
      #expect(accuracies.allSatisfy { $0.doubleValue == 0 })
    }
  }

  @Test(arguments: [nil, 2, 4]) func tracingChangesNoBit(ranks: Int?) throws {
    let place = try Workplace()
    let plain = try place.run("config.json", "--set", "batch.shards=4", ranks: ranks)
    #expect(plain.status == 0, "\(plain)")
    let traced = try place.run(
      "config.json", "--set", "batch.shards=4", "--threads", "3", "--run-directory", "traced",
      "--trace", "t.json", ranks: ranks)
    #expect(traced.status == 0, "\(traced)")
    #expect(try place.trajectory() == place.trajectory("traced"))
    // By default the last five of a run of twelve steps, which has not come to the fifteenth.
    #expect(try TraceEvents(place.path("t.json")).steps(0) == [8, 9, 10, 11, 12])
  }

  @Test func whatCannotBeTracedIsSaidBeforeTheRunBegins() throws {
    let place = try Workplace()
    try FileManager.default.createDirectory(
      atPath: place.path("folder"), withIntermediateDirectories: true)
    for (arguments, words) in [
      (["--trace", "no/such/t.json"], "--trace 'no/such/t.json' cannot be written: "),
      (["--trace", "folder"], "--trace 'folder': there is something that is no file"),
      (["--trace", "t.json", "--trace-steps", "10-13"], "this run makes the steps 1 to 12"),
      (["--trace", "t.json", "--trace-steps", "5-4"], "expected a step or two with a hyphen"),
      (["--trace", "t.json", "--trace-steps", "0-4"], "counted from 1, found '0-4'"),
      (["--trace-steps", "1-4"], "--trace-steps is for --trace"),
    ] {
      for ranks in [nil, 2] {
        let run = try Program(["train", "config.json"] + arguments, ranks: ranks, in: place.folder)
        #expect(run.status == 2, "\(run)")
        #expect(run.errors.contains(words), "\(run)")
        #expect(!place.exists("run") && !place.exists("t.json"), "\(run)")
      }
    }
  }

  /// A config, a text: whatever is no timeline stays as it is.
  @Test func onlyTimelinesAreReplaced() throws {
    let place = try Workplace()
    let config = try Data(contentsOf: URL(fileURLWithPath: place.path("config.json")))
    for command in [["config.json"], ["bench", "step", "--hidden", "16"]] {
      let run = try Program(command + ["--trace", "config.json"], in: place.folder)
      #expect(run.status == 2, "\(run)")
      #expect(
        run.errors.contains("--trace 'config.json': there is a file that is no timeline"),
        "\(run)")
      let kept = try Data(contentsOf: URL(fileURLWithPath: place.path("config.json")))
      #expect(kept == config)
    }
    try Data().write(to: URL(fileURLWithPath: place.path("t.json")))
    for steps in ["2", "3"] {
      let run = try place.run(
        "config.json", "--overwrite", "--trace", "t.json", "--trace-steps", steps)
      #expect(run.status == 0, "\(run)")
      #expect(try TraceEvents(place.path("t.json")).steps(0) == [Int(steps)])
    }
  }

  @Test func aResumedRunTracesItsOwnSteps() throws {
    let place = try Workplace()
    #expect(try place.run("config.json", "--stop-after", "6").status == 75)
    let past = try place.run(
      "config.json", "--resume", "--trace", "t.json", "--trace-steps", "3-8")
    #expect(past.status == 2, "\(past)")
    #expect(past.errors.contains("this run makes the steps 7 to 12"), "\(past)")
    let run = try place.run(
      "config.json", "--resume", "--trace", "t.json", "--trace-steps", "8-9")
    #expect(run.status == 0, "\(run)")
    #expect(try TraceEvents(place.path("t.json")).steps(0) == [8, 9])
  }

  @Test(arguments: [nil, 2]) func aRunThatEndsSoonerWritesWhatItHas(ranks: Int?) throws {
    let place = try Workplace()
    let run = try place.run(
      "config.json", "--stop-after", "6", "--trace", "t.json", "--trace-steps", "5-8",
      ranks: ranks)
    #expect(run.status == 75, "\(run)")
    #expect(run.output.contains("ends after step 6: steps 7-8 are not in it"), "\(run)")
    #expect(try TraceEvents(place.path("t.json")).steps(0) == [5, 6])
    let before = try place.run(
      "config.json", "--stop-after", "3", "--overwrite", "--trace", "u.json", "--trace-steps",
      "5-8", ranks: ranks)
    #expect(before.status == 75, "\(before)")
    #expect(before.errors.contains("no step is traced; the run ends after step 3"), "\(before)")
    #expect(!place.exists("u.json"))
  }

  @Test(arguments: [nil, 2]) func aStoppedRunWritesWhatItHas(ranks: Int?) throws {
    let place = try Workplace()
    let run = try place.run(
      "config.json", "--steps", "1000000", "--trace", "t.json", "--trace-steps", "2-900000",
      ranks: ranks
    ) { process in
      guard let records = try? place.records(), records.count >= 8 else { return false }
      kill(process.processIdentifier, ranks == nil ? SIGTERM : SIGUSR2)
      return true
    }
    #expect(run.status == 75, "\(run)")
    let trace = try TraceEvents(place.path("t.json"))
    #expect(trace.steps(0).first == 2)
    #expect(trace.steps(0).count > 1)
    #expect(run.output.contains("are not in it"), "\(run)")
  }

  @Test func ranksWithOtherRequestsAreToldSo() throws {
    let place = try Workplace()
    let script =
      "if [ $OMPI_COMM_WORLD_RANK = 1 ]; then set -- \"$@\" --trace t.json; fi; exec \"$@\""
    let run = try Program(
      ["config.json"], launchedBy: ["sh", "-c", script, "sh"], ranks: 2, in: place.folder)
    #expect(run.status == 2, "\(run)")
    #expect(run.errors.contains("--trace differs between ranks"), "\(run)")
  }

  @Test(arguments: [nil, 2]) func benchmarksTraceStepsThatCount(ranks: Int?) throws {
    let place = try Workplace()
    let run = try place.run(
      "bench", "step", "--hidden", "64", "--embedding", "32", "--window", "16", "--batch", "16",
      "--steps", "6", "--warmup", "3", "--profile", "--trace", "t.json", ranks: ranks)
    #expect(run.status == 0, "\(run)")
    #expect(run.errors.contains("trace       t.json: steps 4-8, "), "\(run)")
    let trace = try TraceEvents(place.path("t.json"))
    #expect(trace.steps(0) == [4, 5, 6, 7, 8])
    #expect(trace.crossing == nil)
    let record = try OrderedJSON(parsing: try #require(run.lines.last))
    guard case .array(let phases) = record["profile"] else {
      Issue.record("no profile: \(record.line)")
      return
    }
    let shares = phases.reduce(0) { $0 + ($1["share"]?.doubleValue ?? 0) }
    #expect(abs(shares - 1) < 1e-4)
    let seconds = phases.reduce(0) { $0 + ($1["seconds"]?.doubleValue ?? 0) }
    let step = try #require(record["step_seconds"]?.doubleValue)
    #expect(seconds > 0.5 * step, "\(seconds) of \(step)")
  }
}
