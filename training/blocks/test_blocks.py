"""Tests of the world and of what training relies on: `python training/blocks/test_blocks.py` (about a minute, most of it compiling)."""

import hashlib
import subprocess
import sys
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))


from models import clip_config, new_autoencoder, new_clip, new_unet, save_clip, save_inpainting, text_encoder_of  # noqa: E402
from cases import make_case  # noqa: E402
from captions import Phrase, absent_phrase, all_words, caption, counted, phrase_of, relation, wrong_phrase  # noqa: E402
from clip_features import Contexts, Texts, encode_image  # noqa: E402
from defects import FACTORS, KINDS, damage  # noqa: E402
from diffusion import Noising, load_text_encoder  # noqa: E402
from evaluate_clip import auroc, balanced_accuracy  # noqa: E402
import clip_surgery  # noqa: E402, I001: in reference/, put on the path by models
from muon import orthogonalised  # noqa: E402
from run import Run, ahead  # noqa: E402
from train_clip import Rivals, VALUES, pooled, rival_loss, rivals_about  # noqa: E402
from world import Dice, Solid, draw_scene, render, scene_from_json, visible  # noqa: E402


def solid(**changes) -> Solid:
    base = {"shape": "cube", "colour": "red", "size": "small", "material": "matte", "x": 0.0, "y": 0.0, "angle": 0.0}
    return Solid(**{**base, "standing": False, **changes})


class RivalsOfASolid(unittest.TestCase):
    def test_differ_in_one_attribute_and_one_is_right(self):
        one, alike = solid(), solid(size="large")
        for seed in range(40):
            phrases, right, of_another = rivals_about(one, [alike], Dice(seed))
            name = next(n for n in ("colour", "size", "material") if len({getattr(p, n) for p in phrases}) > 1)
            self.assertEqual([getattr(p, name) for p in phrases], list(VALUES[name]))
            self.assertEqual([p.matches(one) for p in phrases].index(True), right)
            self.assertEqual(of_another, [k != right and p.matches(alike) for k, p in enumerate(phrases)])

    def test_sizes_that_cannot_be_told_are_not_asked(self):
        for seed in range(40):
            phrases, _, _ = rivals_about(solid(size=None), [], Dice(seed))
            self.assertEqual({p.size for p in phrases}, {None})

    def test_the_loss_is_that_of_the_right_one_where_the_solid_is(self):
        texts, cls = torch.eye(3), torch.tensor([[0.0, 1.0, 1.0]])
        patches = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
        ask = lambda right, cells, hidden: float(  # noqa: E731
            rival_loss([Rivals(0, np.array(cells), [None] * 3, right, hidden)], texts, cls, patches, torch.tensor(20.0))
        )
        none = [False] * 3
        self.assertAlmostEqual(ask(1, [1], none), np.log(2) / 2, places=4)
        # What is true of another solid does not count against it in the picture as a whole.
        self.assertAlmostEqual(ask(1, [1], [False, False, True]), 0, places=4)
        self.assertGreater(ask(1, [0], none), 5)
        self.assertEqual(float(rival_loss([], texts[:0], cls, patches, torch.tensor(20.0))), 0)


class World(unittest.TestCase):
    def test_a_seed_gives_the_same_bytes_everywhere(self):
        picture, owner = render(draw_scene(7), 64)
        digest = hashlib.sha256(picture.tobytes() + owner.tobytes()).hexdigest()
        self.assertEqual(digest[:16], "e6cd290534ae4e2c")

    def test_every_solid_is_where_its_mask_is(self):
        scene = draw_scene(11)
        whole, owner = render(scene)
        for i in range(len(scene.solids)):
            self.assertGreater(visible(owner, i), 60)
            without, _ = render(scene.without(i))
            change = np.abs(whole.astype(int) - without).max(-1)
            self.assertGreater(np.mean(change[owner == i] > 20), 0.6)
            # Shadows and reflections change around it; most of the picture does not.
            self.assertLess(np.mean(change[owner != i] > 20), 0.1)

    def test_a_scene_survives_json(self):
        scene = draw_scene(3)
        self.assertEqual(scene_from_json(scene.to_json()), scene)

    def test_solids_look_as_they_are_called(self):
        scene = draw_scene(11)
        red, owner = render(scene.with_solid(0, colour="red", material="matte"))
        blue, _ = render(scene.with_solid(0, colour="blue", material="matte"))
        mean = lambda picture: picture[owner == 0].mean(0)  # noqa: E731
        self.assertGreater(mean(red)[0], 1.5 * mean(red)[2])
        self.assertGreater(mean(blue)[2], 1.5 * mean(blue)[0])


class Captions(unittest.TestCase):
    def test_groups_count_every_solid_once(self):
        for seed in range(200):
            scene = draw_scene(seed)
            groups = counted(scene, Dice(5, seed))
            self.assertEqual(sum(len(members) for _, members in groups), len(scene.solids))
            for phrase, members in groups:
                self.assertEqual(phrase.number, len(members))
                self.assertTrue(all(phrase.matches(member) for member in members))

    def test_wrong_and_absent_phrases_are_false(self):
        for seed in range(200):
            scene, dice = draw_scene(seed), Dice(6, seed)
            true = phrase_of(dice.pick(scene.solids), dice)
            self.assertTrue(any(true.matches(s) for s in scene.solids))
            for phrase in (wrong_phrase(scene, true, dice), absent_phrase(scene, dice)):
                if phrase is not None:
                    self.assertFalse(any(phrase.matches(s) for s in scene.solids), phrase.text())
            wrong = wrong_phrase(scene, true, dice, ("size",))
            if wrong is not None:
                self.assertEqual(replace(wrong, size=true.size), true)

    def test_relations_hold(self):
        left, right = solid(x=-1.0), solid(x=1.0, shape="cone")
        said = {relation(left, right, Dice(i)) for i in range(40)}
        self.assertEqual(said, {"to the left of", "left of"})
        near, far = solid(y=-1.0), solid(y=1.0)
        self.assertEqual({relation(far, near, Dice(i)) for i in range(20)}, {"behind"})

    def test_the_tokenizer_knows_the_words(self):
        texts = Texts(new_clip())
        for word in ("red", "sphere", "cubes", "striped", "shiny", "wooden", "behind"):
            self.assertEqual(len(texts.ids([word])[0]), 3, word)
        longest = max(len(texts.ids([caption(draw_scene(s), Dice(1, s), complete=True)])[0]) for s in range(300))
        self.assertLessEqual(longest, 77)
        self.assertIn("penguin", all_words())
        self.assertEqual(Phrase(shape="ring", colour="red", number=2).text(), "two red rings")


class Damage(unittest.TestCase):
    def setUp(self):
        self.scene = draw_scene(11)
        self.image, self.owner = render(self.scene)
        self.image = self.image.astype(np.float32) / 255
        self.behind = render(self.scene.without(0))[0].astype(np.float32) / 255

    def hurt(self, kind: str, factor: str, strength: float, seed: int):
        return damage(
            self.image, self.owner, Dice(9, seed), without=(self.behind, 0), factor=factor, kind=kind, strength=strength
        )

    def test_damage_stays_in_its_mask_and_is_seen_there(self):
        for factor in FACTORS:
            for kind in KINDS[factor]:
                found = [h for seed in range(6) if (h := self.hurt(kind, factor, 0.9, seed))]
                self.assertTrue(found, kind)
                for hurt in found:
                    change = np.abs(hurt.image - self.image).max(-1)
                    self.assertLess(change[hurt.mask < 1e-3].max(initial=0), 0.07, kind)
                self.assertGreater(np.mean([np.abs(h.image - self.image).max(-1)[h.mask > 0.9].mean() for h in found]), 0.03, kind)

    def test_more_strength_is_more_damage(self):
        for factor in ("technical", "naturalness"):
            for kind in KINDS[factor]:
                weak, strong = (
                    np.mean([np.abs(self.hurt(kind, factor, s, seed).image - self.image).mean() for seed in range(5)])
                    for s in (0.25, 1.0)
                )
                self.assertGreater(strong, 1.3 * weak, kind)


class Training(unittest.TestCase):
    def test_the_surgery_is_that_of_the_reference(self):
        torch.manual_seed(1)
        model = new_clip().eval()
        pixels = torch.randn(1, 3, 336, 336)
        with torch.no_grad():
            cls, patches, _ = encode_image(model, pixels)
        expected = clip_surgery.encode_image(model, pixels)
        torch.testing.assert_close(cls, expected.cls, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(patches, expected.patches, atol=1e-5, rtol=1e-4)

    def test_texts_are_those_of_transformers(self):
        torch.manual_seed(1)
        model = new_clip().eval()
        texts = Texts(model)
        words = ["red sphere", "two small cubes on a wooden floor"]
        with torch.no_grad():
            mine = texts(words)
            batch = texts.tokens(words, padding="max_length", max_length=77, return_tensors="pt")
            published = model.get_text_features(**batch)
        published = getattr(published, "pooler_output", published)
        torch.testing.assert_close(mine, torch.nn.functional.normalize(published, dim=-1), atol=1e-5, rtol=1e-4)

    def test_contexts_are_saved_as_published(self):
        model = new_clip()
        contexts, texts = Contexts(clip_config().text_config.hidden_size), Texts(model)
        with tempfile.TemporaryDirectory() as folder:
            contexts.save(model, texts, Path(folder))
            state = torch.load(Path(folder) / "PQ-rational.pth", weights_only=True)["params"]
        shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
        self.assertEqual(
            shapes,
            {"prompt_learner.ctx": (2, 16, 128), "prompt_learner.token_prefix": (2, 1, 128), "prompt_learner.token_suffix": (2, 60, 128)},
        )
        # Put together again they are what was trained (reference/clip_text.py).
        from clip_text import encode_embeddings, learned_sequence

        features = torch.nn.functional.normalize(encode_embeddings(model, learned_sequence(state), 20), dim=-1)
        torch.testing.assert_close(contexts(model, texts)[2].detach(), features, atol=1e-5, rtol=1e-4)

    def test_a_run_goes_on_where_it_was_saved(self):
        with tempfile.TemporaryDirectory() as cache:
            options = SimpleNamespace(cache=cache, device="cpu", steps=6, threads=1)

            def trained(steps: int) -> torch.nn.Linear:
                torch.manual_seed(0)
                layer = torch.nn.Linear(4, 1)
                run = Run("line", {"layer": layer}, options, rate=0.1, warmup=1)
                for step in run.steps():
                    if step == steps:
                        run.save()
                        return layer
                    x = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
                    run.descend((layer(x) - x.sum(1, keepdim=True)).square().mean())
                return layer

            whole = trained(99).weight.detach().clone()
            (Path(cache) / "checkpoints" / "line.pt").unlink()
            trained(3)
            torch.testing.assert_close(trained(99).weight, whole)

    def test_a_run_goes_on_from_an_exported_model(self):
        with tempfile.TemporaryDirectory() as cache:
            models, options = Path(cache) / "models", SimpleNamespace(cache=cache, device="cpu", steps=9, threads=1)
            clip, vae, unet = new_clip(), new_autoencoder(), new_unet()
            save_inpainting(models / "inpainting", unet=unet, vae=vae, text_encoder=text_encoder_of(clip))
            save_clip(clip, models / "clip")
            contexts = Contexts(clip_config().text_config.hidden_size)
            contexts.save(clip, Texts(clip), models / "clip")
            command = [sys.executable, "checkpoints.py", "--cache", cache, "--models", str(models), "unet=7", "clip=5"]
            subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parent)
            again = new_unet()
            run = Run("unet", {"unet": again}, options, rate=0.1)
            self.assertEqual(run.step, 7)
            state = again.state_dict()
            for name, tensor in unet.state_dict().items():
                torch.testing.assert_close(state[name], tensor.half().float())
            encoder = load_text_encoder(cache).state_dict()
            for name, tensor in text_encoder_of(clip).state_dict().items():
                torch.testing.assert_close(encoder[name], tensor.half().float())
            copy = Contexts(clip_config().text_config.hidden_size)
            self.assertEqual(Run("clip", {"clip": new_clip(), "contexts": copy}, options, rate=0.1).step, 5)
            torch.testing.assert_close(copy.ctx, contexts.ctx)

    def test_noise_laid_on_something_else_is_told(self):
        noising = Noising(torch.device("cpu"))
        random = torch.Generator().manual_seed(3)
        clean, worse, noise = (torch.randn(2, 4, 8, 8, generator=random) for _ in range(3))
        times = torch.tensor([40, 400])
        torch.testing.assert_close(noising.noise_of(noising(clean, noise, times), clean, times), noise, atol=1e-4, rtol=1e-4)
        # Taken away from the worse one, it leaves the clean one.
        told = noising.noise_of(noising(worse, noise, times), clean, times)
        torch.testing.assert_close(noising(clean, told, times), noising(worse, noise, times), atol=1e-4, rtol=1e-4)

    def test_updates_are_orthogonalised_whatever_their_shape(self):
        for shape in ((3, 16, 24), (2, 24, 16)):
            values = torch.linalg.svdvals(orthogonalised(torch.randn(shape, generator=torch.Generator().manual_seed(2))))
            self.assertGreater(float(values.min()), 0.5)
            self.assertLess(float(values.max()), 1.3)

    def test_loading_ahead_keeps_the_order(self):
        self.assertEqual(list(ahead(lambda step: step * step, 3, 9, workers=3)), [9, 16, 25, 36, 49, 64])

    def test_measures(self):
        self.assertEqual(auroc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])), 0.75)
        self.assertEqual(balanced_accuracy([3, 3, 4, 4], [1, 1, 2, 2]), 1.0)
        mask = np.zeros((256, 256), bool)
        mask[:128] = True
        self.assertTrue(np.array_equal(pooled(mask, 2), [1, 1, 0, 0]))



class Cases(unittest.TestCase):
    def test_a_case_is_what_it_says(self):
        absent = make_case(10_000_003, "absent")
        self.assertNotIn(absent.asked["shape"], [solid["shape"] for solid in absent.solids])
        self.assertIn(f"{absent.asked['colour']} {absent.asked['shape']}", absent.prompt)
        wrong = make_case(10_000_004, "attribute", "wrong colour")
        alike = [solid for solid in wrong.solids if solid["shape"] == wrong.asked["shape"]]
        self.assertEqual(len(alike), 1)
        self.assertNotEqual(alike[0]["colour"], wrong.asked["colour"])
        hurt = make_case(10_000_000, "technical", "blur", 0.8)
        for case in (absent, wrong, hurt):
            change = np.abs(case.picture.astype(int) - case.right).max(-1)
            self.assertGreater(np.mean(change[case.mask > 127] > 8), 0.3)
        clean = make_case(10_000_005, "clean")
        self.assertTrue((clean.picture == clean.right).all() and not clean.mask.any())


if __name__ == "__main__":
    unittest.main()
