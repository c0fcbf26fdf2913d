/// What other frameworks and papers call keys of a config.
enum KeyAliases {
  /// The keys that names stand for, the likeliest first. A name with a section in front is meant
  /// within that section alone.
  static let keys: [String: [String]] = {
    var keys: [String: [String]] = [:]
    for (key, names) in names {
      for name in names.split(separator: " ") { keys[String(name), default: []].append(key) }
    }
    return keys
  }()

  /// Sections by other names.
  static let sections: [String: String] = [
    "dataset": "data", "datasets": "data", "dataloader": "data", "network": "model", "net": "model",
    "architecture": "model", "rnn": "model", "loader": "batch", "batching": "batch",
    "optim": "optimizer", "optimiser": "optimizer", "training": "run", "trainer": "run",
    "train": "run", "training_args": "run", "scheduler": "optimizer.schedule",
    "lr_scheduler": "optimizer.schedule", "distributed": "exchange", "head": "output",
    "callbacks": "run.hooks",
  ]

  private static let names: KeyValuePairs<String, String> = [
    "optimizer.learning_rate": "lr learn_rate learningrate initial_lr base_lr max_lr peak_lr eta",
    "optimizer.name": "optim optimizer optimiser optimizer_name optimizer_type optimizer.type",
    "optimizer.weight_decay": "wd l2 l2_reg weightdecay optimizer.decay",
    "optimizer.clip_norm": """
      clip grad_clip gradient_clip clip_grad gradient_clipping clipping max_grad_norm max_norm \
      clipnorm clip_grad_norm gradient_clip_val grad_clip_norm global_clipnorm
      """,
    "optimizer.beta1": "beta_1 b1 adam_beta1",
    "optimizer.beta2": "beta_2 b2 adam_beta2",
    "optimizer.epsilon": "eps adam_epsilon adam_eps",
    "optimizer.ema_decay": "ema moving_average",
    "optimizer.schedule.name":
      "scheduler lr_scheduler lr_schedule schedule lr_scheduler_type scheduler_type lr_decay_style",
    "optimizer.schedule.warmup_steps":
      "warmup warm_up warmup_steps num_warmup_steps lr_warmup warmup_iters lr_warmup_steps",
    "optimizer.schedule.final_fraction": "min_lr eta_min min_lr_ratio",
    "batch.sequences": """
      batch_size bs batchsize global_batch_size train_batch_size micro_batch_size \
      per_device_train_batch_size mini_batch_size minibatch_size batch.size batch.batch
      """,
    "batch.window": """
      seq_len seqlen sequence_length seq_length block_size context context_length context_size \
      bptt max_length max_len max_seq_len max_seq_length max_sequence_length time_steps \
      timesteps num_steps window_size lookback input_length batch.length batch.steps
      """,
    "batch.accumulate": """
      gradient_accumulation_steps accumulate_grad_batches grad_accum gradient_accumulation \
      accumulation_steps grad_accumulation
      """,
    "model.hidden": """
      hidden_size hidden_dim hidden_units units nhid d_model rnn_size n_hidden num_hidden \
      hidden_dimension hidden_layer_size rnn_units num_units model.size model.dim
      """,
    "model.embedding": """
      embedding_size embedding_dim embed_dim embed_size emsize emb_dim emb_size n_embd d_embed \
      embedding_dimension
      """,
    "model.layers": "num_layers n_layers n_layer nlayers depth number_of_layers num_rnn_layers",
    "model.dropout": "dropout_rate drop dropout_prob p_dropout drop_rate hidden_dropout",
    "model.recurrent_dropout": "variational_dropout weight_drop wdrop",
    "model.cell": "rnn_type cell_type rnn_cell model_type model.type model.name",
    "model.bidirectional": "bidirection bidir is_bidirectional",
    "model.tie_weights": "tied tie tie_weight tied_weights weight_tying tie_word_embeddings",
    "model.layer_norm": "layernorm normalization ln use_layer_norm",
    "model.precision": "dtype mixed_precision fp16 bf16 amp torch_dtype compute_dtype",
    "model.adaptive_softmax": "adaptive",
    "run.steps": """
      max_steps total_steps iterations iters max_iters max_iterations num_iterations n_steps \
      train_steps num_train_steps training_steps niters
      """,
    "run.epochs": "max_epochs num_epochs n_epochs num_train_epochs nepochs max_epoch",
    "run.seed": "random_seed manual_seed rng_seed random_state",
    "run.directory": """
      output_dir out_dir save_dir log_dir logdir checkpoint_dir run_dir directory_name save_path \
      output_path default_root_dir run.output run.path run.dir
      """,
    "run.log_every": "log_interval logging_steps log_steps print_every log_every_n_steps",
    "run.validate_every": """
      eval_interval eval_every eval_steps val_every val_interval validation_every \
      val_check_interval validate_interval evaluate_every eval_freq
      """,
    "run.checkpoint_every": """
      save_steps save_every save_interval checkpoint_interval ckpt_every save_freq \
      every_n_train_steps
      """,
    "run.keep_checkpoints": "save_total_limit max_to_keep save_top_k keep_last",
    "run.patience": "early_stopping early_stopping_patience early_stop",
    "run.best_by": "metric_for_best_model monitor metric best_metric",
    "run.sample_length": "sample generate",
    "run.tensorboard": "use_tensorboard tb tensorboard_dir",
    "data.train": """
      train_file train_data train_path training_data training_file dataset data_path corpus text \
      file path input trainset data_file data.data data.source data.train_text
      """,
    "data.valid": """
      valid_file validation_file val dev val_data eval_file validation validation_data valid_data \
      dev_file val_file
      """,
    "data.test": "test_file test_data",
    "data.valid_fraction": "val_split validation_split val_fraction valid_split val_size",
    "data.test_fraction": "test_split test_size",
    "data.vocabulary_limit":
      "vocab_size vocabulary_size max_vocab vocab max_vocab_size num_words max_tokens",
    "data.minimum_count": "min_freq min_count min_frequency",
    "data.tokenizer": "tokenization tokenizer_type tokenizer_name token_type level",
    "data.label": "label_column target_column label_col target_col y labels",
    "data.targets": "target target_columns target_cols target_column output_columns",
    "data.columns": "features feature_columns feature_cols input_columns x inputs",
    "data.horizon": "pred_len prediction_length forecast_horizon output_length forecast_length",
    "data.categories": "categorical cat_features categorical_features categorical_columns",
    "data.normalize": "standardize scaling normalise",
    "data.format": "file_format file_type data.type",
    "data.sequence": "group group_column id_column series_id sequence_id session session_id",
    "output.label_smoothing": "smoothing label_smooth",
    "output.loss": "criterion loss_fn loss_function objective",
    "output.readout": "pooling pool",
    "output.class_weights": "class_weight",
    "exchange.synchronize_every": "local_steps sync_every local_sgd_steps",
    "exchange.compression": "gradient_compression",
    "task": "task_type problem problem_type objective_type",
  ]
}
