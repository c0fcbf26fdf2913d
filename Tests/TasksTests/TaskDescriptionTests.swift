import Tasks
import Testing

@Suite struct TaskDescriptionTests {
  /// Tokens in, one of a few classes for every token.
  static let tagger = TaskName.tagging.description

  @Test func taggersAreNotMistakenForLanguageModels() {
    let tagger = Self.tagger
    #expect(tagger.readsTokens)
    #expect(!tagger.readsText)
    #expect(!tagger.writesText)
    #expect(!tagger.carriesState)
    #expect(!tagger.predictsInputTokens)
    #expect(tagger.allowsBothDirections)
    #expect(tagger.scoreUnit == .tokens)
    let shape = tagger.shape(inputVocabularySize: 50)
    #expect(shape.input == .tokens)
    #expect(shape.readout == .every)
    #expect(shape.loss == .softmax)
    #expect(shape.inputVocabularySize == 50)
    #expect(shape.sumsMetric)
    #expect(!shape.canSplitOutputs)
    #expect(!shape.predictsInputTokens)
    #expect(!shape.looksAhead)
  }

  @Test func languageModelsWriteTextAndCopyTasksDoNot() {
    let language = TaskName.language.description
    #expect(language.writesText)
    #expect(language.carriesState)
    #expect(!language.allowsBothDirections)
    #expect(language.shape() == TaskShape())
    #expect(language.shape().canSplitOutputs)
    // The copy task says symbols that go in, and no text.
    #expect(TaskName.copy.description.shape() == TaskShape())
    #expect(!TaskName.copy.description.writesText)
  }

  @Test(arguments: TaskName.allCases)
  func everyReadoutAndLossHasADescription(name: TaskName) {
    for readout in name.readouts {
      for loss in name.losses {
        let task = name.description(readout: readout, loss: loss)
        #expect(task.name == name.rawValue)
        #expect(task.readsTokens != task.readsValues)
        let reads = task.readsTokens && !task.predictsInputTokens
        let shape = task.shape(inputVocabularySize: reads ? 7 : nil)
        #expect(shape.readout == readout)
        #expect(shape.loss == loss)
        #expect((shape.input == .tokens) == task.readsTokens)
        #expect(shape.predictsInputTokens == task.predictsInputTokens)
        #expect(shape.sumsMetric == task.metrics.contains(where: \.needsLossMetric))
        #expect(Set(task.metrics.map(\.name)).count == task.metrics.count)
      }
    }
  }

  @Test func regressionLossesAreEachOthersMetric() {
    let squared = TaskName.adding.description(readout: .last, loss: .squaredError)
    let absolute = TaskName.adding.description(readout: .last, loss: .absoluteError)
    #expect(squared.metrics.map(\.name) == ["mse", "mae", "r2"])
    #expect(absolute.metrics.map(\.name) == ["mse", "mae", "r2"])
    #expect(squared.metrics.prefix(2).map(\.quantity) == [.loss, .lossMetric(.lower)])
    #expect(absolute.metrics.prefix(2).map(\.quantity) == [.lossMetric(.lower), .loss])
  }

  @Test func stepsHaveTargetsOfTheirOwnWhereTheReadoutIsEvery() {
    for name in [TaskName.classification, .regression] {
      let sequences = name.description
      #expect(sequences.targets == .onePerSequence)
      #expect(sequences.unit == .sequences && sequences.scoreUnit == .sequences)
      let steps = name.description(readout: .every, loss: name.losses[0])
      #expect(steps.targets == .everyStep)
      #expect(steps.unit == .steps && steps.scoreUnit == .steps)
      #expect(steps.allowsBothDirections && steps.leastSteps == 1)
    }
    #expect(TaskName.regression.description.measures.map(\.name) == ["loss", "mse", "mae", "r2"])
  }

  /// What a run may go by to choose its best model, and which way it goes.
  @Test func directionBelongsToTheMeasure() {
    #expect(TaskName.language.description.measures.map(\.name) == ["loss", "perplexity"])
    #expect(
      TaskName.classification.description.measures.map(\.name)
        == ["loss", "accuracy", "macro_f1", "balanced_accuracy"])
    #expect(
      TaskName.forecasting.description.measures.map(\.name)
        == ["loss", "mse", "mae", "mase", "smape"])
    let higher: Set = ["macro_f1", "micro_f1", "phrase_f1", "exact_match", "r2"]
    for task in TaskName.allCases {
      for measure in task.description.measures {
        let isHigher =
          measure.name.hasSuffix("accuracy") || measure.name.contains("_at_")
          || higher.contains(measure.name)
        #expect(measure.isBetter(2, than: 1) == isHigher, "\(measure.name)")
        #expect(measure.isBetter(1, than: 2) != isHigher, "\(measure.name)")
        #expect(!measure.isBetter(1, than: 1))
        #expect(measure.isBetter(1, than: nil))
        #expect(!measure.isBetter(.nan, than: nil))
        #expect(!measure.isBetter(.infinity, than: 1) && !measure.isBetter(-.infinity, than: 1))
      }
    }
  }
}
