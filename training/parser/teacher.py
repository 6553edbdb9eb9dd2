"""The teacher: all-MiniLM-L6-v2 (Apache-2.0) with letter-case embeddings, an UPOS head and deep biaffine heads
(Dozat & Manning 2017) for arcs and labels. Used in training only; it never ships."""
import json
import torch
from torch import nn
from torch.nn import functional as F
from safetensors.torch import load_file
from labels import DEPRELS, SHAPES, UPOS


class Layer(nn.Module):
    """One post-norm BERT layer."""

    def __init__(self, width, heads, inner, eps):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width, eps)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)
        self.norm2 = nn.LayerNorm(width, eps)

    def forward(self, x, mask, drop):
        b, n, w = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        a = self.out(a.transpose(1, 2).reshape(b, n, w))
        x = self.norm1(x + F.dropout(a, drop, self.training))
        return self.norm2(x + F.dropout(self.down(F.gelu(self.up(x))), drop, self.training))


class Encoder(nn.Module):
    """BERT's encoder, read from a safetensors file in the hub's layout."""

    def __init__(self, folder):
        super().__init__()
        config = json.load(open(f"{folder}/config.json"))
        w, eps = config["hidden_size"], config["layer_norm_eps"]
        t = {k.removeprefix("bert."): v for k, v in load_file(f"{folder}/model.safetensors").items()}
        self.width = w
        self.words = nn.Parameter(t["embeddings.word_embeddings.weight"], requires_grad=False)
        self.positions = nn.Parameter(t["embeddings.position_embeddings.weight"] + t["embeddings.token_type_embeddings.weight"][0])
        self.shapes = nn.Embedding(len(SHAPES) + 1, w)
        nn.init.normal_(self.shapes.weight, std=0.01)
        self.norm = nn.LayerNorm(w, eps)
        self._copy(self.norm, t, "embeddings.LayerNorm")
        self.layers = nn.ModuleList()
        for i in range(config["num_hidden_layers"]):
            layer, p = Layer(w, config["num_attention_heads"], config["intermediate_size"], eps), f"encoder.layer.{i}."
            with torch.no_grad():
                for kind in ("weight", "bias"):
                    getattr(layer.qkv, kind).copy_(torch.cat([t[f"{p}attention.self.{n}.{kind}"] for n in ("query", "key", "value")]))
            self._copy(layer.out, t, p + "attention.output.dense")
            self._copy(layer.norm1, t, p + "attention.output.LayerNorm")
            self._copy(layer.up, t, p + "intermediate.dense")
            self._copy(layer.down, t, p + "output.dense")
            self._copy(layer.norm2, t, p + "output.LayerNorm")
            self.layers.append(layer)

    @staticmethod
    def _copy(module, tensors, name):
        with torch.no_grad():
            module.weight.copy_(tensors[name + ".weight"])
            module.bias.copy_(tensors[name + ".bias"])

    def forward(self, ids, shapes, valid, drop):
        x = F.embedding(ids, self.words) + self.positions[: ids.shape[1]] + self.shapes(shapes)
        x = F.dropout(self.norm(x), drop, self.training)
        mask = valid[:, None, None, :]
        for layer in self.layers:
            x = layer(x, mask, drop)
        return x


class Biaffine(nn.Module):
    """score[l, dep, head] = d·U_l·h + w_l·d + v_l·h + b_l"""

    def __init__(self, width, outputs):
        super().__init__()
        self.u = nn.Parameter(torch.zeros(outputs, width + 1, width + 1))

    def forward(self, dep, head):
        one = dep.new_ones(dep.shape[:-1] + (1,))
        d, h = torch.cat([dep, one], -1), torch.cat([head, one], -1)
        return torch.einsum("bdi,oij,bhj->bodh", d, self.u, h)

    def chosen(self, dep, head):
        """Scores of one head per dependent: dep and head [t, width] → [t, outputs]."""
        one = dep.new_ones(dep.shape[:-1] + (1,))
        d, h = torch.cat([dep, one], -1), torch.cat([head, one], -1)
        return torch.einsum("toj,tj->to", torch.einsum("ti,oij->toj", d, self.u), h)


class Teacher(nn.Module):
    def __init__(self, folder, arc=320, label=128, drop=0.1, head_drop=0.33):
        super().__init__()
        self.encoder = Encoder(folder)
        w = self.encoder.width
        self.drop, self.head_drop = drop, head_drop
        self.upos = nn.Linear(w, len(UPOS))
        self.mlp = nn.Linear(w, 2 * arc + 2 * label)
        self.sizes = [arc, arc, label, label]
        self.arcs = Biaffine(arc, 1)
        self.labels = Biaffine(label, len(DEPRELS))

    def forward(self, batch):
        """Returns (upos [b,n,17], arcs [b,n+1 dependents,n+1 heads] with index 0 = root, label inputs [b,n+1,·] ×2)."""
        x = self.encoder(batch["ids"], batch["shapes"], batch["valid"], self.drop)
        x = torch.gather(x, 1, batch["first"][..., None].expand(-1, -1, x.shape[-1]))  # 0 is [CLS], the root
        x = F.dropout(x, self.head_drop, self.training)
        m = F.dropout(F.leaky_relu(self.mlp(x), 0.1), self.head_drop, self.training)
        ad, ah, ld, lh = m.split(self.sizes, -1)
        arcs = self.arcs(ad, ah)[:, 0]
        arcs = arcs.masked_fill(~batch["words"][:, None, :], -1e4)
        return self.upos(x[:, 1:]), arcs, ld, lh
