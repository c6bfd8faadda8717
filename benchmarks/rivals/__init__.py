"""The same search done in several ways, side by side: `benchmarks.cpu_study` and `benchmarks.gpu_study`.

`work` says what is done, from the project's own plan: model, texts, budget, and a list of points, each a rank
and a learning rate. `training` is what a user of transformers and peft would write for one of them; `plain`
does that in a loop, `ray_search` by `hyperparameter_search` on Ray. `ways` starts these and this project's
own `study.run`, each in a process of its own, and reads what came of it; `contest` repeats that and takes
ratios within each repeat; `table` prints them. `gpu_meter` reads a GPU's use meanwhile. `options` are what
both benchmarks are asked with.
"""
