import Records
import Runs
import Testing

@testable import Engine

/// What a model drops at random goes on as if the run had never stopped.
@Suite(.serialized) struct ModelOptionsWalkTests {
  @Test func dropoutResumesBitIdentically() throws {
    let scenario = try TrainingScenario(
      "run.steps=16", "run.validate_every=5", "model.embedding=16", "model.tie_weights=true",
      "model.dropout=0.2", "model.dropout_kind=locked", "model.embedding_dropout=0.1",
      "model.recurrent_dropout=0.3")
    try scenario.train(scenario.options(run: "whole"), ranks: 1)
    let expected = try scenario.trajectory("whole")
    for (ranks, stop) in [(3, 7), (2, 11), (4, nil)] as [(Int, Int?)] {
      var options = scenario.options(run: "parts")
      options.resume = true
      options.stopAfter = stop
      #expect(try scenario.train(options, ranks: ranks) == (stop == nil ? 0 : 75))
    }
    #expect(try scenario.trajectory("parts") == expected)
  }

  /// The cells beside those of all other tests; an LSTM carries two state vectors.
  @Test(arguments: ["lstm", "mingru"]) func statesResumeBitIdentically(cell: String) throws {
    let scenario = try TrainingScenario(
      "run.steps=16", "run.validate_every=5", "model.cell=\(cell)", "model.layers=2",
      "run.recompute_every=3")
    try scenario.train(scenario.options(run: "whole"), ranks: 1)
    let expected = try scenario.trajectory("whole")
    for (ranks, stop) in [(3, 7), (2, 11), (4, nil)] as [(Int, Int?)] {
      var options = scenario.options(run: "parts")
      options.resume = true
      options.stopAfter = stop
      #expect(try scenario.train(options, ranks: ranks) == (stop == nil ? 0 : 75))
    }
    #expect(try scenario.trajectory("parts") == expected)
  }

  /// Over several epochs, and over steps that are skipped just where one of them begins.
  @Test func learnedInitialStateResumesBitIdentically() throws {
    let scenario = try TrainingScenario(
      "run.steps=16", "model.learned_initial_state=true", "data.valid_fraction=0.85",
      "model.layer_norm=true", "run.on_nonfinite=skip")
    let prepare: (TrainingRun) -> Void = { run in
      run.trainer.updates?.faultAfterGradients = { [unowned run] nodes in
        if [1, 8].contains(run.trainer.step) { nodes[0][0] = .nan }
      }
    }
    try scenario.train(scenario.options(run: "whole"), ranks: 1, prepare: prepare)
    let expected = try scenario.trajectory("whole")
    #expect(expected.count == 14)
    #expect(try scenario.records("whole").last { $0["kind"] == "train" }?["epoch"] != 0)
    for (ranks, stop) in [(3, 1), (2, 8), (1, 11), (4, nil)] as [(Int, Int?)] {
      var options = scenario.options(run: "parts")
      options.resume = true
      options.stopAfter = stop
      #expect(try scenario.train(options, ranks: ranks, prepare: prepare) == (stop == nil ? 0 : 75))
    }
    #expect(try scenario.trajectory("parts") == expected)
  }

  @Test func adaptiveSoftmaxResumesBitIdentically() throws {
    let scenario = try TrainingScenario(
      "run.validate_every=5", "data.tokenizer=bpe", "data.vocabulary_limit=270",
      "model.adaptive_softmax=[100,260]", "model.adaptive_factor=3", "model.dropout=0.2")
    try scenario.train(scenario.options(run: "whole"), ranks: 1)
    let expected = try scenario.trajectory("whole")
    for (ranks, stop) in [(3, 4), (2, 7), (4, nil)] as [(Int, Int?)] {
      var options = scenario.options(run: "parts")
      options.resume = true
      options.stopAfter = stop
      #expect(try scenario.train(options, ranks: ranks) == (stop == nil ? 0 : 75))
    }
    #expect(try scenario.trajectory("parts") == expected)
    for change in ["model.adaptive_softmax=[100,261]", "model.adaptive_factor=4"] {
      var options = scenario.options([change, "run.steps=14"], run: "parts")
      options.resume = true
      let error = #expect(throws: (any Error).self) { try scenario.train(options, ranks: 1) }
      let key = String(change.prefix { $0 != "=" })
      #expect("\(try #require(error))".contains(key), "\(String(describing: error))")
    }
  }

  @Test func dropoutKeysCannotChangeAtResume() throws {
    let scenario = try TrainingScenario("model.dropout=0.2")
    try scenario.train(scenario.options(), ranks: 1)
    for change in [
      "model.dropout=0.3", "model.dropout_kind=locked", "model.embedding_dropout=0.1",
      "model.recurrent_dropout=0.1", "model.tie_weights=true",
      "model.learned_initial_state=true", "model.initial_update_bias=-1",
    ] {
      var options = scenario.options([change, "model.embedding=16", "run.steps=14"])
      options.resume = true
      let error = #expect(throws: (any Error).self) { try scenario.train(options, ranks: 1) }
      let key = String(change.prefix { $0 != "=" })
      #expect("\(try #require(error))".contains(key), "\(String(describing: error))")
    }
  }
}
