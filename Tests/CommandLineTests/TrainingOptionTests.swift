import Foundation
import Records
import Testing

/// Options whose state must survive stops and other numbers of ranks.
@Suite(.serialized) struct TrainingOptionTests {
  /// Runs a config whole, and in parts on changing numbers of ranks, and compares.
  ///
  /// - Returns: the records of the whole run.
  @discardableResult
  private func requireExactResume(
    _ place: Workplace, _ sets: [String], stops: [Int] = [3, 5, 8]
  ) throws -> [OrderedJSON] {
    let options = sets.flatMap { ["--set", $0] }
    let whole = try Program(
      ["config.json", "--run-directory", "whole"] + options, in: place.folder)
    #expect(whole.status == 0, "\(whole)")
    for (index, step) in stops.enumerated() {
      let leg = try Program(
        ["config.json", "--resume", "--stop-after", "\(step)"] + options,
        ranks: [4, nil, 3][index % 3], in: place.folder)
      #expect(leg.status == 75, "\(leg)")
    }
    let last = try Program(["config.json", "--resume"] + options, ranks: 2, in: place.folder)
    #expect(last.status == 0, "\(last)")
    #expect(try place.trajectory() == place.trajectory("whole"))
    #expect(try place.validations() == place.validations("whole"))
    return try place.records("whole")
  }

  @Test func resumeKeepsThePlateauSchedule() throws {
    let place = try Workplace()
    // No step is large enough to change the loss: every validation but the first stalls.
    let records = try requireExactResume(
      place,
      [
        "optimizer.name=sgd", "optimizer.learning_rate=1e-30", "run.validate_every=2",
        "optimizer.schedule={\"name\":\"plateau\",\"warmup_steps\":0,\"patience\":2}",
      ])
    let rates = records.filter { $0["kind"] == "train" }
      .compactMap { $0["learning_rate"]?.doubleValue }
    #expect(
      rates == [Double](repeating: 1e-30, count: 6) + [2.5e-31, 2.5e-31, 2.5e-31, 2.5e-31]
        + [6.25e-32, 6.25e-32])
    let falls = records.filter { $0["event"] == "learning_rate_falls" }
    #expect(falls.map { $0["step"] } == [6, 10])
  }

  @Test func earlyStoppingEndsTheRun() throws {
    let place = try Workplace()
    let sets = [
      "optimizer.name=sgd", "optimizer.learning_rate=1e-30", "run.validate_every=2",
      "run.patience=3",
    ]
    let records = try requireExactResume(place, sets, stops: [3, 7])
    #expect(records.filter { $0["kind"] == "train" }.count == 8)
    #expect(records.filter { $0["event"] == "stalled" }.map { $0["step"] } == [8])
    let again = try Program(
      ["config.json", "--resume"] + sets.flatMap { ["--set", $0] }, in: place.folder)
    #expect(again.status == 0, "\(again)")
    #expect(again.output.contains("nothing to do"), "\(again)")
    #expect(again.output.contains("run.patience"), "\(again)")
  }

  @Test func resumeKeepsAveragedParameters() throws {
    for (index, sets) in [
      ["optimizer.ema_decay=0.9", "run.validate_every=2"],
      // So high a rate makes the loss worse, and the mean starts.
      [
        "optimizer.name=asgd", "optimizer.learning_rate=30", "optimizer.average_patience=1",
        "run.validate_every=2",
      ],
    ].enumerated() {
      let place = try Workplace()
      let records = try requireExactResume(place, sets)
      if index == 1 {
        #expect(records.filter { $0["event"] == "averaging_starts" }.count == 1, "\(records)")
      }
      // What is measured later is what was validated: the mean.
      let validated = records.last { $0["kind"] == "valid" }
      let measured = try place.run("evaluate", "run", "--newest", "--json", ranks: 2)
      #expect(measured.status == 0, "\(measured)")
      #expect(try OrderedJSON(parsing: measured.lines[0])["loss"] == validated?["loss"])
      // The fingerprint in the state is that of the parameters, not of their mean.
      let inspected = try place.run("inspect", "run")
      #expect(inspected.status == 0, "\(inspected)")
    }
  }

  /// Steps go on from the parameters themselves: a mean that is switched on, and off again, leaves
  /// each of them as it was, and is the same at any number of ranks.
  @Test(arguments: [
    (["optimizer.ema_decay=0"], ["optimizer.ema_decay=0.9"]),
    (
      ["optimizer.name=sgd", "optimizer.learning_rate=30"],
      ["optimizer.name=asgd", "optimizer.learning_rate=30", "optimizer.average_patience=1"]
    ),
  ])
  func averagingIsSwitchedOnAndOffAtResumes(without: [String], with: [String]) throws {
    let place = try Workplace()
    let often = ["run.validate_every=1"]
    func train(_ sets: [String], _ more: [String], ranks: Int? = nil, status: Int32) throws {
      let job = try Program(
        ["config.json"] + more + (sets + often).flatMap { ["--set", $0] }, ranks: ranks,
        in: place.folder)
      #expect(job.status == status, "\(job)")
      if more.contains("--resume") {
        let text = job.output + job.errors
        let changes = sets == with ? ["-> 0.9", "-> \"asgd\""] : ["-> 0.0", "-> \"sgd\""]
        #expect(changes.contains { text.contains($0) }, "\(job)")
      }
    }
    try train(without, ["--run-directory", "whole"], status: 0)
    for (run, ranks) in [("run", 2), ("other", nil as Int?)] {
      let here = ["--run-directory", run]
      try train(without, here + ["--stop-after", "4"], status: 75)
      try train(with, here + ["--resume", "--stop-after", "9"], ranks: ranks, status: 75)
    }
    let means = try ["run", "other", "whole"].map { run in
      Array(try place.validations(run).prefix(9))
    }
    #expect(means[0] == means[1])
    // The mean of one step is that step, and those after it are others'.
    #expect(means[0] != means[2])
    #expect(Array(means[0].prefix(4)) == Array(means[2].prefix(4)))
    if with.count > 1 {
      // The lowest loss so far is what the first one is compared with, after that of the resume.
      let starts = try place.records("run").filter { $0["event"] == "averaging_starts" }
      #expect(starts.map { $0["step"] } == [5], "\(starts)")
    }
    try train(without, ["--resume"], ranks: 3, status: 0)
    #expect(try place.trajectory() == place.trajectory("whole"))
    let last = try ["run", "whole"].map { run in
      try place.records(run).last { $0["kind"] == "valid" }?["loss"]
    }
    #expect(last[0] == last[1])
  }

  @Test(arguments: ["rmsprop", "adagrad"])
  func resumeKeepsSecondMoments(name: String) throws {
    try requireExactResume(
      try Workplace(), ["optimizer.name=\(name)", "optimizer.learning_rate=0.01"], stops: [5])
  }

  @Test func resumeKeepsWindowJitter() throws {
    let records = try requireExactResume(
      try Workplace(), ["batch.window_jitter=7", "optimizer.schedule.name=constant"])
    let train = records.filter { $0["kind"] == "train" }
    // The rate goes with the length.
    #expect(Set(train.suffix(8).compactMap { $0["learning_rate"]?.doubleValue }).count > 2)
    #expect(train.compactMap { $0["tokens"]?.integerValue }.last == 12 * 16 * 12)
  }

  @Test func resumeKeepsAccumulatedBatches() throws {
    let records = try requireExactResume(
      try Workplace(), ["batch.accumulate=3", "batch.window_jitter=2", "run.recompute_every=2"])
    let train = records.filter { $0["kind"] == "train" }
    #expect(train.compactMap { $0["step"]?.integerValue } == Array(1...12))
    #expect(train.last?["tokens"]?.integerValue == 12 * 3 * 16 * 12)
  }

  @Test func wordTokenizerTrainsEvaluatesAndSamples() throws {
    let place = try Workplace()
    try requireExactResume(place, ["data.tokenizer=word", "data.minimum_count=2"])
    let measured = try place.run("evaluate", "run", "--json", ranks: 3)
    #expect(measured.status == 0, "\(measured)")
    let alone = try place.run("evaluate", "whole", "--json")
    let scores = try [measured, alone].map { try OrderedJSON(parsing: $0.lines[0]) }
    for key in ["loss", "tokens", "bits_per_byte"] { #expect(scores[0][key] == scores[1][key]) }
    // One stream carries its state through; the number of tokens stays.
    let carried = try place.run("evaluate", "run", "--json", "--streams", "1")
    #expect(carried.status == 0, "\(carried)")
    let score = try OrderedJSON(parsing: carried.lines[0])
    #expect(score["tokens"] == scores[0]["tokens"])
    #expect(score["loss"] != scores[0]["loss"])
    let drawn = try place.run(
      "sample", "run", "--prompt", "The coordinator", "--length", "12", "--temperature", "0")
    #expect(drawn.status == 0, "\(drawn)")
    #expect(drawn.output.hasPrefix("The coordinator "), "\(drawn)")
    let strange = try place.run("sample", "run", "--prompt", "The zebra", "--length", "1")
    #expect(strange.errors.contains("1 word, first \"zebra\""), "\(strange)")
  }
}
